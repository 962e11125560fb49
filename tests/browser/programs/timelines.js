// SPDX-License-Identifier: MIT
/** Run clock, own time and view by a script, and note where they are. */

import { ClockSync } from "./clock.js";
import { Lead } from "./lead.js";
import { Playout } from "./playout.js";
import { Schedule } from "./schedule.js";

function played({ tickRate, delay, script }) {
  const [clock, lead, playout] = [new ClockSync(tickRate), new Lead(tickRate), new Playout(tickRate, delay)];
  const steps = {
    seed: (tick, rtt, now) => clock.seed(tick, rtt, now),
    sample: (sent, received, serverTick, held) => clock.sample(sent, received, serverTick, held),
    hear: (acked, slack, wanted) => lead.hear({ acked, slack, wanted }),
    arrived: (tick, now) => playout.arrived(tick, now),
    advance: (now) => [lead.advance(now, clock), lead.resynced, lead.position(now), lead.ahead, lead.speed,
                       lead.nextAt(now), clock.serverTick(now)],
    view: (now) => [playout.viewTick(now), playout.isStale(now), playout.delay, playout.jitter, playout.speed],
  };
  const answers = script.map(([step, ...values]) => steps[step](...values) ?? null);
  return {
    answers,
    clock: [clock.rtt, clock.jitter, clock.drift, clock.error, clock.nSamples, clock.nResyncs],
    counts: [lead.tick, lead.nResyncs, playout.nViews, playout.nStale],
  };
}

/** Each call is a tick at which it was scheduled, and one for which; every third is cancelled. */
function scheduled(calls) {
  const schedule = new Schedule();
  const made = [];
  let now = 0;
  calls.forEach(([tick, at], n) => {
    for (; now < at; now++) for (const { call } of schedule.due(now)) call();
    const call = schedule.at(tick, () => made.push(n));
    if (n % 3 === 2) call.cancel();
  });
  for (const { call } of schedule.due(Infinity)) call();
  return { made, left: schedule.length };
}

export function run({ links = [], calls = [] }) {
  return { played: links.map(played), scheduled: scheduled(calls) };
}
