// A worker thread that loads one gateway in a closed loop: each of its connections sends the next request when it has the whole
// response to the last one. It counts responses in memory that it shares, where it also finds that it is over: it then sends no more,
// and ends when no response is due.
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { workerData } from "node:worker_threads";
import { createChanges } from "./changes.js";
import { createHeads } from "./heads.js";
import { createResponseReader } from "./responses.js";
import { COMPLETED, IS_OVER } from "./shared.js";

/** @type {import("../measure/closed-loop.js").ClosedLoop} */
const { port, isSecure, connections, requests, shared } = workerData;
const counts = new Int32Array(shared);
const body = Buffer.alloc(requests.bodyBytes ?? 0, "x");
let sent = 0;

for (let index = 0; index < connections; index += 1) open();

function open() {
  const at = { port, host: "127.0.0.1", noDelay: true };
  const socket = isSecure ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
  const changes = requests.change === undefined ? undefined : createChanges(requests.host, requests.change);
  const nextHead = createHeads(requests, () => (sent += 1));
  const send = () => {
    if (isOver()) return void socket.end();
    if (changes !== undefined) return void socket.write(changes.next(), "latin1");
    if (body.length === 0) return void socket.write(nextHead(), "latin1");
    socket.cork();
    socket.write(nextHead(), "latin1");
    socket.write(body);
    socket.uncork();
  };
  const read = createResponseReader((end) => {
    Atomics.add(counts, COMPLETED, 1);
    changes?.onResponse(end);
    send();
  }, changes?.expectedStatus);
  socket.on("data", read);
  socket.on("error", (error) => {
    if (!isOver()) throw error;
  });
  socket.on("close", () => {
    if (!isOver()) throw new Error("the gateway closed a connection");
  });
  socket.once(isSecure ? "secureConnect" : "connect", send);
}

function isOver() {
  return Atomics.load(counts, IS_OVER) === 1;
}
