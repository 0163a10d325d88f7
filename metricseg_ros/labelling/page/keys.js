// Keyboard: everything that the page can do, but for clicks and strokes.

export function watchKeys(table, {actions, takeTool, setClass, setRadius, cycle, zoomMiddle, choose, radius, hide}) {
  const keys = [
    ['Enter', 'done, and on to the next image', actions.done],
    ['ArrowRight', 'next image', actions.next],
    ['ArrowLeft', 'previous image', actions.previous],
    ['p', 'point', () => takeTool('point')],
    ['c', 'cut', () => takeTool('cut')],
    ['s', 'split', () => takeTool('split')],
    ['S', 'make each piece of the chosen objects an object', actions.pieces],
    ['b', 'brush', () => takeTool('brush')],
    ['e', 'eraser', () => takeTool('eraser')],
    ['i', 'ignore brush', () => takeTool('ignore')],
    ['[', 'smaller brush', () => setRadius(Math.floor(radius() / 1.25))],
    [']', 'larger brush', () => setRadius(Math.ceil(radius() * 1.25))],
    ['n', 'choose none: the next click adds an object', actions.new],
    ['Escape', 'the same, and point', () => { takeTool('point'); choose([]); }],
    ['Tab', 'choose the next object; with Shift the one before', (event) => cycle(event.shiftKey ? -1 : 1)],
    ['m', 'merge the chosen objects', actions.merge],
    ['g', 'ignore the chosen objects', actions['ignore-object']],
    ['x', 'delete the chosen objects', actions.delete],
    ['Delete', 'the same', actions.delete],
    ['Backspace', 'the same', actions.delete],
    ['z', 'undo, also with Ctrl', actions.undo],
    ['y', 'redo, also with Ctrl', actions.redo],
    ['Z', 'the same', actions.redo],
    ['0', 'empty image: done', actions.empty],
    ['r', 'start anew from what the model finds', actions.suggest],
    ['h', 'hide the labels while held', () => hide(true)],
    ['f', 'show the whole image', actions.fit],
    ['+', 'zoom in, also by wheel or two fingers', () => zoomMiddle(1.25)],
    ['-', 'zoom out', () => zoomMiddle(.8)],
    ['?', 'this list', actions.help]];
  const byKey = new Map(keys.map(([key, , action]) => [key, action]));
  for (const [key, text] of [...keys.map(([key, text]) => [key, text]), ['1 to 9', 'class of the chosen objects, and of new ones'],
    ['Space', 'move the image while held; the middle button does, too']]) {
    const row = table.insertRow();
    row.insertCell().append(Object.assign(document.createElement('kbd'), {textContent: key}));
    row.insertCell().textContent = text;
  }
  addEventListener('keydown', (event) => {
    if (event.target.matches('input:not([type=range])') || document.querySelector('dialog[open]')) return;
    if (event.altKey || ((event.ctrlKey || event.metaKey) && !['z', 'y', 'Z'].includes(event.key))) return;
    if (event.repeat && !['[', ']', '+', '-', 'z', 'y', 'Z', 'Tab'].includes(event.key)) return;
    const isDigit = /^[1-9]$/.test(event.key);
    const action = isDigit ? () => setClass(Number(event.key) - 1) : byKey.get(event.key);
    if (!action || (event.target.matches('button, input') && ['Enter', 'Tab', 'ArrowLeft', 'ArrowRight'].includes(event.key))) return;
    event.preventDefault();
    action(event);
  });
  addEventListener('keyup', (event) => { if (event.key === 'h') hide(false); });
}
