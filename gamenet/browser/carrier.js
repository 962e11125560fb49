// SPDX-License-Identifier: MIT
/**
 * Carry a connection's packets on WebSockets: one binary message is one packet.
 *
 * The only place that knows socket and timer. It feeds bytes in, drains events and bytes
 * out, arms one timer for when the connection wants to be woken, and opens another socket
 * when the connection wants one.
 */

const MAX_BUFFERED = 65536; // bytes the socket may hold before we wait with more
const MAX_TIMER = 60; // seconds; setTimeout takes no infinity
const OPEN = 1; // WebSocket.OPEN

export class Carrier {
  #openSocket;
  #connection;
  #now;
  #onEvent;
  #unopened;
  /** @type {WebSocket | null} the one in use, or being opened */
  #socket = null;
  #isOpen = false;
  #timer = 0;

  /**
   * @param {() => WebSocket} openSocket called for the first one at once
   * @param {import("./connection.js").Connection} connection
   * @param {() => number} now monotonic seconds
   * @param {(event: import("./connection.js").ConnectionEvent) => void} onEvent
   * @param {string} unopened close reason if the first socket never opens: a browser does not say why
   */
  constructor(openSocket, connection, now, onEvent, unopened = "UNREACHABLE") {
    this.#openSocket = openSocket;
    this.#connection = connection;
    this.#now = now;
    this.#onEvent = onEvent;
    this.#unopened = unopened;
    this.#open();
  }

  #open() {
    const socket = this.#openSocket();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = () => this.#lost();
    this.#socket = socket;
  }

  /** Let go of a socket: what it still says is of no interest. */
  #leave() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #opened() {
    this.#isOpen = true;
    this.#connection.connect(this.#now());
    this.pump();
  }

  #received(data) {
    const now = this.#now();
    if (data instanceof ArrayBuffer) this.#connection.receivePacket(new Uint8Array(data), now);
    else this.#connection.close("MALFORMED", "the server sent a message of text", now);
    this.pump();
  }

  #lost() {
    const reason = this.#isOpen ? "LINK_LOST" : this.#unopened;
    this.#leave();
    this.#connection.linkLost(this.#now(), reason);
    this.pump();
  }

  /** Pass on what the connection has for us, in both directions. */
  pump() {
    for (let event; (event = this.#connection.nextEvent()); ) this.#onEvent(event);
    this.#send();
    if (this.#socket && !this.#connection.usesLink) this.#leave();
    if (this.#connection.wantsLink(this.#now())) this.#open();
    this.#arm();
  }

  #send() {
    // One that is closing takes nothing any more, but is not lost before it says so.
    if (!this.#isOpen || this.#socket.readyState !== OPEN) return;
    const room = MAX_BUFFERED - this.#socket.bufferedAmount;
    if (room <= 0) this.#connection.dropUnreliable();
    for (const packet of this.#connection.packetsToSend(this.#now(), room)) this.#socket.send(packet);
  }

  #arm() {
    clearTimeout(this.#timer);
    const wait = this.#connection.nextTimeout() - this.#now();
    if (wait === Infinity) return;
    this.#timer = setTimeout(() => this.#wake(), 1000 * Math.min(Math.max(wait, 0), MAX_TIMER));
  }

  #wake() {
    this.#connection.handleTimeout(this.#now());
    this.pump();
  }
}
