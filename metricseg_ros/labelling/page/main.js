// Ties the page together: what is chosen, what is asked of the server, what is shown.

import * as server from './server.js';
import {colourOf, IGNORED, View} from './view.js';
import {watchPointer} from './pointer.js';
import {watchKeys} from './keys.js';

const byId = (id) => document.getElementById(id);
const view = new View(byId('canvas'));
const page = {images: [], classes: [], current: null, state: null, chosen: [], tool: 'point',
  newClass: null, radius: 10};
let turn = Promise.resolve();  // Changes go one after the other.

const HINTS = {
  point: 'Click an object to choose it, the ground to add or extend; right button cuts; Shift chooses several; Ctrl takes from another object.',
  cut: 'Click the part of an object that does not belong to it.',
  split: 'Click the part of an object that is another one.',
  brush: 'Paint the chosen object, or a new one if none is chosen.',
  eraser: 'Erase from the chosen object, or from all if none is chosen.',
  ignore: 'Paint what one cannot tell: it counts for nothing.'};

function say(text) {
  byId('message').textContent = text || '';
}

function inTurn(task) {
  turn = turn.then(task).catch(async (error) => {
    view.stroke = null;
    byId('saved').textContent = '';
    if (error.status === 409) await reopen();
    say(error.message);
    render();
  });
  return turn;
}

// Something is asked of the server; the clock runs until the answer is on the screen.
function change(asked) {
  const since = performance.now();
  return inTurn(async () => {
    if (!page.state) return;
    byId('saved').textContent = 'saving …';
    const before = page.state;
    const state = await server.changeLabels(before.name, {revision: before.revision, ...asked});
    if (page.current !== state.name) return;
    accept(state);
    say('');
    byId('saved').textContent = 'saved';
    requestAnimationFrame(() => setTimeout(() => {  // Painted.
      const took = performance.now() - since;
      document.body.dataset.answerMs = took.toFixed(1);
      byId('saved').textContent = `saved (${took.toFixed(0)} ms)`;
    }));
  });
}

function accept(state) {
  const isSame = page.state && page.state.name === state.name;
  const ids = new Set(state.objects.map(({id}) => id));
  page.chosen = state.chosen ? [state.chosen] : isSame ? page.chosen.filter((id) => ids.has(id)) : [];
  page.state = state;
  const entry = page.images.find(({name}) => name === state.name);
  if (entry) Object.assign(entry, {done: state.done, begun: state.done || entry.begun || state.undo > 0});
  view.stroke = null;
  view.setLabels(server.decodeRuns(state.runs, state.size[0] * state.size[1]), page.chosen);
  render();
}

async function reopen() {
  accept(await server.openLabels(page.current));
}

function open(name) {
  return inTurn(async () => {
    if (!name) return;
    page.current = name;
    history.replaceState(null, '', `#${encodeURIComponent(name)}`);
    say('');
    byId('saved').textContent = 'looking …';
    render();
    const image = new Image();
    image.src = server.imageAddress(name);
    const [state] = await Promise.all([server.openLabels(name), image.decode()]);
    view.show(image, state.size[0], state.size[1]);
    accept(state);
    byId('saved').textContent = '';
  });
}

const place = () => page.images.findIndex(({name}) => name === page.current);
const step = (by) => open(page.images[place() + by]?.name);

function done(isEmpty) {
  if (isEmpty) change({action: 'empty'});
  change({action: 'done'});
  return inTurn(() => {
    if (!page.state.done) return;
    const after = [...page.images.slice(place() + 1), ...page.images];
    const next = after.find((image) => !image.done);
    if (next) open(next.name);
    else say('All images are done. Next: metricseg teach ' + page.folder + ' -o MODEL');
  });
}

function choose(ids) {
  page.chosen = ids;
  view.setLabels(view.labels, ids);
  render();
}

function clicked([row, column], {isOther, isShift, isControl}) {
  if (!page.state) return;
  const label = view.labelAt(row, column), at = {row, column};
  if (label === null) return choose([]);
  const isObject = label > 0 && label !== IGNORED, [first] = page.chosen;
  const one = page.chosen.length === 1 ? first : null;
  if (page.tool === 'split') return isObject && change({action: 'split', id: label, ...at});
  if (isOther || page.tool === 'cut') return isObject && change({action: 'cut', id: label, ...at});
  if (isControl && one && label !== one) return change({action: 'extend', id: one, ...at});
  if (isObject && isShift) {
    return choose(page.chosen.includes(label) ? page.chosen.filter((id) => id !== label) : [...page.chosen, label]);
  }
  if (isObject) return choose([label]);
  return change(one ? {action: 'extend', id: one, ...at} : {action: 'add', class: className(), ...at});
}

function painted(points) {
  const ask = {points: points.map((point) => point.map((value) => Math.round(value * 10) / 10)), radius: page.radius};
  const id = page.chosen.length === 1 ? page.chosen[0] : null;
  if (page.tool === 'eraser') return change({action: 'erase', id, ...ask});
  if (page.tool === 'ignore') return change({action: 'paint', ignore: true, ...ask});
  return change({action: 'paint', id, class: className(), ...ask});
}

const className = () => page.classes.includes(page.newClass) ? page.newClass : page.classes[0];

function setClass(index) {
  const name = page.classes[index];
  if (!name) return;
  page.newClass = name;
  page.chosen.forEach((id) => change({action: 'rename', id, class: name}));
  render();
}

function addClass(name) {
  if (!name) return;
  inTurn(async () => {
    // "object" stands for whatever has no class; the first class that is written takes its place
    // unless objects have it.
    const before = page.classes.filter((own) => own !== 'object' || page.classes.length > 1);
    page.classes = (await server.setClasses([...new Set([...before, name])])).classes;
    page.newClass = name;
    render();
  });
}

const chosenOnes = (action) => page.chosen.length
  ? page.chosen.forEach((id) => change({action, id})) : say('Choose an object first.');

function takeTool(tool) {
  page.tool = tool;
  render();
}

function setRadius(value) {
  page.radius = Math.max(1, Math.min(80, value));
  render();
}

function cycle(by) {
  const ids = page.state.objects.map(({id}) => id);
  if (ids.length) choose([ids[(ids.indexOf(page.chosen[0]) + by + ids.length) % ids.length]]);
}

function zoomMiddle(factor) {
  view.zoom(factor, view.canvas.clientWidth / 2, view.canvas.clientHeight / 2);
}

const actions = {
  previous: () => step(-1), next: () => step(1), done: () => done(false), empty: () => done(true),
  undo: () => change({action: 'undo'}), redo: () => change({action: 'redo'}),
  suggest: () => change({action: 'suggest'}), fit: () => view.fit(), new: () => choose([]),
  merge: () => change({action: 'merge', ids: page.chosen}),
  pieces: () => chosenOnes('split'), 'ignore-object': () => chosenOnes('ignore'),
  delete: () => chosenOnes('delete'), help: () => byId('keys').showModal()};

function item(list, text, {isChosen, swatch, state, onclick, hint}) {
  const row = document.createElement('li');
  if (state !== undefined) row.append(Object.assign(document.createElement('span'), {className: 'state', textContent: state}));
  if (swatch) {
    const patch = Object.assign(document.createElement('span'), {className: 'swatch'});
    patch.style.backgroundColor = `rgb(${swatch})`;
    row.append(patch);
  }
  row.append(Object.assign(document.createElement('span'), {className: 'text', textContent: text}));
  if (hint) row.append(Object.assign(document.createElement('kbd'), {textContent: hint}));
  row.classList.toggle('chosen', Boolean(isChosen));
  row.onclick = onclick;
  list.append(row);
  return row;
}

function render() {
  const {state, images, chosen} = page, index = place();
  const finished = images.filter((image) => image.done).length;
  byId('name').textContent = page.current ?? '';
  byId('count').textContent = `${index + 1} of ${images.length}, ${finished} done`;
  byId('progress').max = images.length || 1;
  byId('progress').value = finished;
  byId('previous').disabled = index <= 0;
  byId('next').disabled = index >= images.length - 1;
  byId('undo').disabled = !state?.undo;
  byId('redo').disabled = !state?.redo;
  byId('merge').disabled = chosen.length < 2;
  byId('radius').value = page.radius;
  byId('hint').textContent = HINTS[page.tool];
  document.querySelectorAll('[data-tool]').forEach((button) =>
    button.setAttribute('aria-pressed', button.dataset.tool === page.tool));
  const [classes, objects, list] = ['classes', 'objects', 'images'].map((id) => {
    byId(id).replaceChildren();
    return byId(id);
  });
  page.classes.forEach((name, at) => item(classes, name, {
    isChosen: name === className(), hint: at < 9 ? at + 1 : '', onclick: () => setClass(at)}));
  byId('object-count').textContent = state ? state.objects.length : '';
  (state?.objects ?? []).forEach((object) => item(objects, object.class, {
    isChosen: chosen.includes(object.id), swatch: colourOf(object.id),
    onclick: (event) => choose(event.shiftKey ? [...new Set([...chosen, object.id])] : [object.id])}));
  images.forEach((image) => {
    const row = item(list, image.name, {isChosen: image.name === page.current,
      state: image.done ? '✓' : image.begun ? '…' : '', onclick: () => open(image.name)});
    if (image.name === page.current && image.name !== page.shown) row.scrollIntoView({block: 'nearest'});
  });
  page.shown = page.current;  // The list moves with the image, and else stays where it is.
}

async function begin() {
  const {images, classes, folder} = await server.overview();
  Object.assign(page, {images, classes, folder});
  const asked = decodeURIComponent(location.hash.slice(1));
  const first = images.find(({name}) => name === asked) ?? images.find((image) => !image.done) ?? images[0];
  await open(first.name);
}

Object.entries(actions).forEach(([id, action]) => { byId(id).onclick = action; });
document.querySelectorAll('[data-tool]').forEach((button) => { button.onclick = () => takeTool(button.dataset.tool); });
byId('radius').oninput = (event) => setRadius(Number(event.target.value));
byId('add-class').onsubmit = (event) => {
  event.preventDefault();
  addClass(byId('class-name').value.trim());
  byId('class-name').value = '';
  view.canvas.focus();
};
watchPointer(view, {
  isBrush: () => ['brush', 'eraser', 'ignore'].includes(page.tool), onClick: clicked, onStroke: painted,
  strokeLook: () => ({radius: page.radius, colour: page.tool === 'eraser' ? '#000'
    : page.tool === 'ignore' ? '#999' : page.chosen.length === 1 ? `rgb(${colourOf(page.chosen[0])})` : '#fff'})});
watchKeys(byId('key-table'), {actions, takeTool, setClass, setRadius, cycle, zoomMiddle, choose,
  radius: () => page.radius, hide: (isHidden) => { view.isHidden = isHidden; view.draw(); }});
Object.assign(window, {labelling: {page, view}});  // For tests, and for the curious.
begin().catch((error) => say(error.message));
