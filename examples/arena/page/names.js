// SPDX-License-Identifier: MIT
/**
 * Players' names as they may be shown.
 *
 * A name is whatever a stranger typed. It only ever reaches the page as
 * textContent or canvas text, so it cannot become markup; here it also loses
 * what would disturb its neighbours: control characters, marks that turn the
 * direction of writing, stacks of accents, and length.
 */

const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;
const STACKED_MARKS = /(\p{M}{2})\p{M}+/gu;
const SPACES = /\s+/gu;

/**
 * Return a name cut to what fits, or a stand-in when nothing is left.
 *
 * @param {string} name
 * @param {number} limit longest result, characters
 * @returns {string}
 */
export function tidyName(name, limit) {
  const tidy = name
    .replace(SPACES, " ")
    .replace(UNSEEN, "")
    .replace(STACKED_MARKS, "$1")
    .trim();
  const letters = Array.from(tidy);
  if (letters.length === 0) return "nameless";
  if (letters.length <= limit) return tidy;
  return `${letters.slice(0, limit - 1).join("").trimEnd()}…`;
}

/**
 * Return the name of a player for the score board, a tag or the feed.
 *
 * @param {{players: Map<number, {name: string}>}} client
 * @param {number} id
 * @param {number} [limit] characters
 * @returns {string}
 */
export function playerName(client, id, limit = 16) {
  const player = client.players.get(id);
  return player ? tidyName(player.name, limit) : `player ${id}`;
}
