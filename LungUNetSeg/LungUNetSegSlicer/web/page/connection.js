// The connection with the user's process on the server; it is opened again when it breaks.

const ELSEWHERE = 4001, ENDED = 4002, FULL = 4003;
const PAUSES_MS = [300, 1000, 2000, 5000];

// A reload keeps the tab's name, so that the server knows it again.
function tabName() {
  let name = sessionStorage.getItem("tab");
  if (!name) sessionStorage.setItem("tab", (name = Math.random().toString(36).slice(2)));
  return name;
}

export class Connection {
  constructor(handlers) {
    this.handlers = handlers;
    this.failures = 0;
    this.open("");
  }

  open(extra) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const path = location.pathname.replace(/[^/]*$/, "");
    this.socket = new WebSocket(`${scheme}://${location.host}${path}socket?tab=${tabName()}${extra}`);
    this.socket.binaryType = "arraybuffer";
    let reason = "";
    this.socket.onopen = () => { this.failures = 0; this.handlers.opened(); };
    this.socket.onmessage = (event) => {
      if (typeof event.data !== "string") return this.handlers.picture(event.data);
      const message = JSON.parse(event.data);
      if (message.ended) reason = message.ended;
      this.handlers.message(message);
    };
    this.socket.onclose = (event) => {
      if (event.code === ELSEWHERE) this.handlers.elsewhere();
      else if (event.code === ENDED || event.code === FULL) this.handlers.ended(reason);
      else this.tryAgain(extra);
    };
  }

  tryAgain() {
    const pause = PAUSES_MS[Math.min(this.failures++, PAUSES_MS.length - 1)];
    if (this.failures > 1) this.handlers.broken();
    setTimeout(() => this.open(""), pause);
  }

  send(action, values = {}) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ do: action, ...values }));
  }
}
