// SPDX-License-Identifier: MIT
/**
 * Carry a connection's packets on a WebSocket: one binary message is one packet.
 *
 * The only place that knows socket and timer. It feeds bytes in, drains events and bytes
 * out, and arms one timer for when the connection wants to be woken.
 */

const MAX_BUFFERED = 65536; // bytes the socket may hold before we wait with more
const MAX_TIMER = 60; // seconds; setTimeout takes no infinity

export class Carrier {
  #socket;
  #connection;
  #now;
  #onEvent;
  #timer = 0;
  #isOpen = false;
  #unopened;

  /**
   * @param {WebSocket} socket that is being opened
   * @param {import("./connection.js").Connection} connection
   * @param {() => number} now monotonic seconds
   * @param {(event: import("./connection.js").ConnectionEvent) => void} onEvent
   * @param {string} unopened close reason if the socket never opens: a browser does not say why
   */
  constructor(socket, connection, now, onEvent, unopened = "UNREACHABLE") {
    this.#socket = socket;
    this.#connection = connection;
    this.#now = now;
    this.#onEvent = onEvent;
    this.#unopened = unopened;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = () => this.#lost();
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
    this.#connection.close(this.#isOpen ? "LINK_LOST" : this.#unopened, "", this.#now());
    this.#isOpen = false;
    this.pump();
  }

  /** Pass on what the connection has for us, in both directions. */
  pump() {
    for (let event; (event = this.#connection.nextEvent()); ) this.#onEvent(event);
    this.#send();
    this.#arm();
    if (this.#connection.state === "closed") this.#socket.close();
  }

  #send() {
    if (!this.#isOpen) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED) {
      this.#connection.dropUnreliable();
      if (this.#connection.state !== "closed") return;
    }
    for (const packet of this.#connection.packetsToSend(this.#now())) this.#socket.send(packet);
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
