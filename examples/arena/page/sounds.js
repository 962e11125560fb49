// SPDX-License-Identifier: MIT
/**
 * Shots, hits and explosions, synthesised: no file to load.
 *
 * A sound is a sine or saw that falls, or filtered noise, under an envelope
 * that fades. Browsers allow sound only after the player has touched the
 * page; until then nothing is made, so nothing queues up.
 */

const STORAGE_KEY = "arena.sound";
const VOLUME = 0.22;
// Sounds further away than this are not heard, metres.
const EARSHOT = 42;
// More at once is noise, and costs.
const VOICES = 14;

function remembered() {
  try {
    return localStorage.getItem(STORAGE_KEY) !== "off";
  } catch {
    // Storage may be forbidden; sound then starts switched on.
    return true;
  }
}

function remember(on) {
  try {
    localStorage.setItem(STORAGE_KEY, on ? "on" : "off");
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

function makeNoise(context) {
  const buffer = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i += 1) samples[i] = Math.random() * 2 - 1;
  return buffer;
}

/** Everything that is heard. */
export class Sounds {
  constructor() {
    this.on = remembered();
    this.voices = 0;
  }

  /** Switch on or off, and return which it is now. */
  toggle() {
    this.on = !this.on;
    remember(this.on);
    return this.on;
  }

  #ready() {
    if (!this.on || this.voices >= VOICES) return false;
    if (!this.context) {
      if (!navigator.userActivation?.hasBeenActive || !window.AudioContext) return false;
      this.context = new AudioContext();
      this.output = new GainNode(this.context, { gain: VOLUME });
      this.output.connect(this.context.destination);
      this.noise = makeNoise(this.context);
    }
    return this.context.state === "running";
  }

  #play(source, seconds, loudness, filter) {
    const { currentTime } = this.context;
    const gain = new GainNode(this.context, { gain: loudness });
    gain.gain.setValueAtTime(loudness, currentTime);
    gain.gain.exponentialRampToValueAtTime(0.0008, currentTime + seconds);
    (filter ? source.connect(filter) : source).connect(gain).connect(this.output);
    this.voices += 1;
    source.onended = () => {
      this.voices -= 1;
      gain.disconnect();
    };
    source.start();
    source.stop(currentTime + seconds);
  }

  #tone(type, from, to, seconds, loudness) {
    const source = new OscillatorNode(this.context, { type, frequency: from });
    source.frequency.exponentialRampToValueAtTime(to, this.context.currentTime + seconds);
    this.#play(source, seconds, loudness);
  }

  #burst(from, to, seconds, loudness) {
    const source = new AudioBufferSourceNode(this.context, { buffer: this.noise });
    const filter = new BiquadFilterNode(this.context, { type: "lowpass", frequency: from });
    filter.frequency.exponentialRampToValueAtTime(to, this.context.currentTime + seconds);
    this.#play(source, seconds, loudness, filter);
  }

  /** A shot, `distance` metres away. */
  shot(distance) {
    const loudness = 0.3 * (1 - distance / EARSHOT);
    if (loudness > 0 && this.#ready()) this.#tone("sawtooth", 760, 170, 0.12, loudness);
  }

  /** A beam, `distance` metres away. */
  beam(distance) {
    const loudness = 0.42 * (1 - distance / EARSHOT);
    if (loudness <= 0 || !this.#ready()) return;
    this.#tone("sine", 1900, 240, 0.34, loudness);
    this.#tone("sawtooth", 520, 90, 0.26, loudness * 0.6);
  }

  /** Something blew up; size as in Explosion. */
  explosion(distance, size) {
    const loudness = (0.35 + 0.16 * size) * (1 - distance / EARSHOT);
    if (loudness > 0 && this.#ready()) {
      this.#burst(2600 - 420 * size, 60, 0.25 + 0.2 * size, loudness);
    }
  }

  /** The player's own ship was struck. */
  struck() {
    if (this.#ready()) this.#tone("square", 190, 60, 0.16, 0.4);
  }

  /** The player has a new ship. */
  launched() {
    if (this.#ready()) this.#tone("sine", 260, 780, 0.35, 0.4);
  }
}
