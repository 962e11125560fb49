// SPDX-License-Identifier: MIT
/** Have an input buffer hold, close and pack what a script says; read feedback. */

import { decodeFeedback, sentAt } from "./feedback.js";
import { InputBuffer } from "./input.js";
import * as protocol from "./protocol.js";
import { bytesOf, marked, unmarked } from "./values.js";

const steps = {
  hold: (buffer, { name, values, tick }) => buffer.hold(name, unmarked(values), tick),
  close: (buffer, { tick, sight }) => buffer.close(tick, sight),
  packet: (buffer, { clock }) => buffer.packet(clock),
  acked: (buffer, { tick }) => buffer.acked(tick),
  at: (buffer, { tick }) => buffer.at(tick).map(({ name, values }) => [name, values]),
  forget: (buffer, { tick }) => buffer.forget(tick),
  restart: (buffer) => buffer.restart(),
};

function played(script) {
  const buffer = new InputBuffer(protocol.inputs);
  const answers = script.map((step) => {
    try {
      return marked(steps[step.do](buffer, step) ?? null);
    } catch (error) {
      return { thrown: error.message };
    }
  });
  return { answers, replaced: buffer.nReplaced, unacked: buffer.nUnacked };
}

function heard({ bytes, now }) {
  const feedback = decodeFeedback(bytesOf(bytes));
  return { ...feedback, sent: sentAt(feedback, now) };
}

export function run({ scripts = [], feedback = [] }) {
  return { played: scripts.map(played), heard: feedback.map(heard) };
}
