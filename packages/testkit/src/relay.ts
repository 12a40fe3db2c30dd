import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

/** Passes bytes on to a port of loopback, and can lose or delay them. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** Connections stay open, and nothing comes through. */
  silence(): void;
  /** Connections that are made from now on are passed on; those that were silent stay so. */
  speak(): void;
  /** Bytes of clients, and of the target, are passed on so much later, in milliseconds. */
  delay(clientMs: number, targetMs: number): void;
  /** What the target sends is lost on connections on which the client has sent this text; what clients send arrives. */
  loseReplies(text: string): void;
  /** Connections that are made from now on get their replies; those that lost some lose all. */
  passReplies(): void;
  /** What the target sends waits until `pass` is called, and then arrives together, even if the target has ended meanwhile. */
  holdReplies(): { pass(): void };
  /** Resolves when a client sends this text, which waits until `pass` is called. */
  hold(text: string): Promise<{ pass(): void }>;
}

/** One connection through a relay. */
interface Link {
  /** What the client sent first, where the texts of its statements are: later it only names them. */
  beginning: string;
  isLosingReplies: boolean;
}

const MAX_BEGINNING = 65_536;

export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const links = new Set<Link>();
  const upstreams = new Set<Socket>();
  let isSilent = false;
  let clientDelayMs = 0;
  let targetDelayMs = 0;
  let lost: string | undefined;
  let held: { readonly text: string; readonly arrived: (held: { pass(): void }) => void } | undefined;

  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Statements are small, and each waits for the result of those before it.
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    if (isSilent) return;
    const link: Link = { beginning: "", isLosingReplies: false };
    links.add(link);
    upstreams.add(upstream);
    const toUpstream = sendInOrder(upstream);
    const toClient = sendInOrder(client);
    client.on("data", (chunk: Buffer) => {
      if (link.beginning.length < MAX_BEGINNING) link.beginning += chunk.toString("latin1");
      if (lost !== undefined && link.beginning.includes(lost)) link.isLosingReplies = true;
      if (held === undefined || !chunk.includes(held.text)) return toUpstream(chunk, wait(clientDelayMs));
      const { arrived } = held;
      held = undefined;
      toUpstream(chunk, new Promise((resolve) => arrived({ pass: resolve })));
    });
    upstream.on("data", (chunk: Buffer) => {
      if (!link.isLosingReplies) toClient(chunk, wait(targetDelayMs));
    });
    client.on("close", () => {
      links.delete(link);
      upstreams.delete(upstream);
      upstream.destroy();
    });
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      isSilent = true;
      for (const socket of sockets) socket.removeAllListeners("data").pause();
    },
    speak() {
      isSilent = false;
    },
    delay(clientMs, targetMs) {
      clientDelayMs = clientMs;
      targetDelayMs = targetMs;
    },
    loseReplies(text) {
      lost = text;
      for (const link of links) link.isLosingReplies ||= link.beginning.includes(text);
    },
    passReplies() {
      lost = undefined;
    },
    holdReplies() {
      for (const upstream of upstreams) upstream.pause();
      return {
        // After the next look at the sockets, so that what has come by now is there.
        pass: () =>
          void setImmediate(() => {
            for (const upstream of upstreams) {
              // All that is there, as one chunk: when it is resumed, each chunk that Node has read comes by itself.
              upstream.read();
              upstream.resume();
            }
          }),
      };
    },
    hold: (text) => new Promise((arrived) => (held = { text, arrived })),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes chunks in their order, each once what it waits for has happened. Without a wait it is written at once. */
function sendInOrder(socket: Socket): (chunk: Buffer, wait: Promise<void> | undefined) => void {
  let queue: Promise<void> | undefined;
  return (chunk, wait) => {
    const write = (): void => void socket.write(chunk);
    if (queue === undefined && wait === undefined) return write();
    const waits = Promise.all([queue, wait]).then(write);
    queue = waits;
    void waits.then(() => {
      if (queue === waits) queue = undefined;
    });
  };
}

function wait(ms: number): Promise<void> | undefined {
  return ms === 0 ? undefined : new Promise((resolve) => void setTimeout(resolve, ms));
}
