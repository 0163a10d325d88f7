// Mouse, pen and fingers: tells of clicks and strokes, and moves and zooms the view itself.

const STILL = 5;  // pixels of the screen that a click may wander

export function watchPointer(view, {isBrush, onClick, onStroke, strokeLook}) {
  const canvas = view.canvas, down = new Map();
  let points = null, isMoving = false, isPinch = false, isSpace = false, start = null;

  addEventListener('keydown', (event) => { if (event.code === 'Space') isSpace = true; });
  addEventListener('keyup', (event) => { if (event.code === 'Space') isSpace = false; });
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    view.zoom(Math.exp(-event.deltaY * .0015), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});

  canvas.addEventListener('pointerdown', (event) => {
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, [event.clientX, event.clientY]);
    if (down.size === 2) {
      isPinch = true;
      points = view.stroke = null;
      view.draw();
      return;
    }
    if (down.size > 2) return;
    start = [event.clientX, event.clientY];
    isPinch = false;
    isMoving = event.button === 1 || isSpace;
    canvas.classList.toggle('panning', isMoving);
    if (!isMoving && isBrush() && event.button === 0) {
      points = [view.pixelAt(event.clientX, event.clientY)];
      view.stroke = {points, ...strokeLook()};
      view.draw();
    }
  });

  canvas.addEventListener('pointermove', (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (isPinch) {
      pinch(event.pointerId, before, now);
    } else if (isMoving) {
      view.move(now[0] - before[0], now[1] - before[1]);
    } else if (points) {
      points.push(view.pixelAt(...now));
      view.draw();
    }
    down.set(event.pointerId, now);
  });

  function pinch(id, before, now) {
    const other = [...down].find(([key]) => key !== id);
    if (!other) return;
    const box = canvas.getBoundingClientRect(), far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    view.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    view.zoom(far(now, other[1]) / Math.max(1, far(before, other[1])),
      (now[0] + other[1][0]) / 2 - box.left, (now[1] + other[1][1]) / 2 - box.top);
  }

  function up(event) {
    if (!down.delete(event.pointerId) || down.size) return;
    const isStill = start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) <= STILL;
    canvas.classList.remove('panning');
    if (points) {
      const way = points;
      points = null;
      onStroke(way);
    } else if (!isPinch && !isMoving && isStill && event.type === 'pointerup') {
      onClick(view.pixelAt(event.clientX, event.clientY), {
        isOther: event.button === 2, isShift: event.shiftKey, isControl: event.ctrlKey || event.metaKey});
    }
  }
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', (event) => {
    points = view.stroke = null;
    up(event);
    view.draw();
  });
}
