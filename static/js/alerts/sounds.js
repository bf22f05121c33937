// How each priority sounds: a few soft notes, made here, so that nothing has to be fetched when it matters.

// Frequency in Hz, start and length in seconds. Rising for what presses, falling for what can wait.
const NOTES = {
  critical: [[659, 0, 0.16], [988, 0.15, 0.24], [659, 0.5, 0.16], [988, 0.65, 0.34]],
  high: [[587, 0, 0.14], [740, 0.13, 0.28]],
  normal: [[523, 0, 0.3]],
  low: [[440, 0, 0.12], [349, 0.11, 0.26]],
};
const SOFT = 0.35;
const STARTS_WITHIN = 300;
const REST_AFTER = 4000;
const USED = "used";

let context = null;
let resting = null;

// Browsers let a page sound only after a gesture in it, or in the page of this site before it in the same tab.
export const mayPlay = () => isUsed() || sessionStorage.getItem(USED) !== null;

function isUsed() {
  const isActive = navigator.userActivation?.hasBeenActive ?? true;
  if (isActive) sessionStorage.setItem(USED, "yes");
  return isActive;
}

// False where the browser holds the sound back.
export async function play(priority, volume) {
  if (!mayPlay() || !(await wake())) return false;
  const out = context.createGain();
  // Loudness is heard by its square.
  out.gain.value = SOFT * (volume / 100) ** 2;
  out.connect(context.destination);
  for (const note of NOTES[priority]) sing(note, out);
  clearTimeout(resting);
  resting = setTimeout(() => context.suspend(), REST_AFTER);
  return true;
}

// Not awaited for ever: where it is not allowed the promise stays open until the next gesture.
async function wake() {
  try {
    context ??= new AudioContext();
    const late = new Promise((done) => setTimeout(done, STARTS_WITHIN));
    if (context.state !== "running") await Promise.race([context.resume(), late]);
    return context.state === "running";
  } catch {
    return false;
  }
}

function sing([frequency, after, length], out) {
  const start = context.currentTime + after;
  const tone = context.createOscillator();
  const shape = context.createGain();
  tone.type = "triangle";
  tone.frequency.value = frequency;
  shape.gain.setValueAtTime(0, start);
  shape.gain.linearRampToValueAtTime(1, start + 0.015);
  shape.gain.exponentialRampToValueAtTime(0.001, start + length);
  tone.connect(shape).connect(out);
  tone.start(start);
  tone.stop(start + length);
}
