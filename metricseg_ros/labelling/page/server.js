// Asks the server. All addresses are relative to the page's own, which holds the token.

export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`api/${path}`, options);
  } catch {
    throw new Refused(0, 'The server does not answer: is metricseg label still running? ' +
      'What was shown as saved is safe; open the new address to go on.');
  }
  const content = await answer.json().catch(() => ({error: `the server answered ${answer.status}`}));
  if (!answer.ok) throw new Refused(answer.status, content.error);
  return content;
}

const post = (path, body) => ask(path, {
  method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});

export const overview = () => ask('images');
export const imageAddress = (name) => `api/images/${encodeURIComponent(name)}`;
export const openLabels = (name) => ask(`labels/${encodeURIComponent(name)}`);
export const changeLabels = (name, change) => post(`labels/${encodeURIComponent(name)}`, change);
export const setClasses = (names) => post('classes', names);

// Label map of an answer: base64 of little-endian uint32, label and length of each run in turn.
export function decodeRuns(text, pixels) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = letters.charCodeAt(index);
  const runs = new Uint32Array(bytes.buffer);
  const labels = new Uint16Array(pixels);
  for (let index = 0, at = 0; index < runs.length; index += 2) {
    labels.fill(runs[index], at, at + runs[index + 1]);
    at += runs[index + 1];
  }
  return labels;
}
