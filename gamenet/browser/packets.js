// SPDX-License-Identifier: MIT
/**
 * The packets of a connection, byte for byte as docs/STANDARD.md lays them out.
 *
 * The first byte is the type. This side writes what a client may send and reads what a
 * server may send; everything else is a WireError.
 */

import { Reader, Writer } from "./bytes.js";
import { WireError } from "./numbers.js";

export const PacketType = Object.freeze({
  REQUEST: 0,
  DENIED: 1,
  ACCEPTED: 4,
  PAYLOAD: 5,
  DISCONNECT: 6,
});

/** Bytes of a payload packet before its first frame. */
export const PAYLOAD_HEADER = 17;

const MAGIC = new Uint8Array([0x47, 0x4e, 0x45, 0x54]); // "GNET"
const MAX_USER_DATA = 256;
const MAX_DETAIL = 1000;
const CHANNEL_MASK = 0x1f;
const RELIABLE = 0x20;
const MORE_FRAGMENTS = 0x40;
const RESERVED = 0x80;

/**
 * One piece of one message.
 * @typedef {object} Frame
 * @property {number} channel
 * @property {boolean} reliable
 * @property {number} sequence of the piece on its channel; 0 if not reliable
 * @property {boolean} more whether further pieces of the message follow
 * @property {Uint8Array} payload
 */

/**
 * @param {object} request
 * @param {number} request.version of the wire protocol
 * @param {Uint8Array} request.protocolHash eight bytes
 * @param {bigint} request.salt
 * @param {Uint8Array} request.userData
 * @returns {Uint8Array} the request that opens a connection on a stream
 */
export function encodeRequest({ version, protocolHash, salt, userData }) {
  const out = new Writer();
  out.uint8(PacketType.REQUEST);
  out.raw(MAGIC);
  out.uint16(version);
  out.raw(protocolHash);
  out.uint64(salt);
  out.blob(userData, "uint16", MAX_USER_DATA);
  return out.finish();
}

/**
 * Begin a payload packet; frames are appended to the writer.
 * @param {Writer} out
 * @param {bigint} tag names the connection
 * @param {number} sequence
 * @param {{newest: number, bits: number}} acks
 */
export function beginPayload(out, tag, sequence, acks) {
  out.uint8(PacketType.PAYLOAD);
  out.uint64(tag);
  out.uint16(sequence);
  out.uint16(acks.newest);
  out.uint32(acks.bits);
}

/** @param {Writer} out @param {Frame} frame */
export function writeFrame(out, { channel, reliable, sequence, more, payload }) {
  out.uint8(channel | (reliable ? RELIABLE : 0) | (more ? MORE_FRAGMENTS : 0));
  if (reliable) out.uint16(sequence);
  out.uint16(payload.length);
  out.raw(payload);
}

/**
 * @param {bigint} tag
 * @param {number} reason the close reason's number
 * @param {string} detail
 * @returns {Uint8Array}
 */
export function encodeDisconnect(tag, reason, detail) {
  const out = new Writer();
  out.uint8(PacketType.DISCONNECT);
  out.uint64(tag);
  out.uint8(reason);
  out.text(detail, "uint16", MAX_DETAIL);
  return out.finish();
}

/**
 * Read a packet of the server.
 * @param {Uint8Array} bytes
 * @returns {{type: number} & Record<string, any>} its fields; a payload's frames follow
 *     in the reader, for `readFrame`
 */
export function decodePacket(bytes) {
  const reader = new Reader(bytes);
  const type = reader.uint8();
  switch (type) {
    case PacketType.DENIED:
      return whole(reader, { type, salt: reader.uint64(), ...readReason(reader) });
    case PacketType.ACCEPTED:
      return whole(reader, { type, salt: reader.uint64(), tag: reader.uint64() });
    case PacketType.PAYLOAD:
      return {
        type,
        tag: reader.uint64(),
        sequence: reader.uint16(),
        ack: reader.uint16(),
        ackBits: reader.uint32(),
        reader,
      };
    case PacketType.DISCONNECT:
      return whole(reader, { type, tag: reader.uint64(), ...readReason(reader) });
    default:
      throw new WireError(`a server does not send packets of type ${type}`);
  }
}

/**
 * Read the next frame of a payload packet.
 * @param {Reader} reader
 * @returns {Frame}
 */
export function readFrame(reader) {
  const flags = reader.uint8();
  if (flags & RESERVED) throw new WireError(`frame flags ${flags} set a reserved bit`);
  const reliable = (flags & RELIABLE) !== 0;
  const sequence = reliable ? reader.uint16() : 0;
  return {
    channel: flags & CHANNEL_MASK,
    reliable,
    sequence,
    more: (flags & MORE_FRAGMENTS) !== 0,
    payload: reader.take(reader.uint16()),
  };
}

function readReason(reader) {
  const reason = reader.uint8();
  return { reason, detail: reader.text("uint16", MAX_DETAIL) };
}

function whole(reader, packet) {
  reader.end();
  return packet;
}
