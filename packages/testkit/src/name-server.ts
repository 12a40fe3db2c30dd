import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { parseAddress } from "../../service/src/net/address.ts";

/** The response for a name and a type: addresses (empty if there is no such record), a failure, junk, or no response. */
type ZoneAnswer =
  | readonly string[]
  | "nxdomain"
  | "servfail"
  | "garbage"
  | "never"
  | { readonly lostOnce: readonly string[] };

/** The records of a name; a type that is not listed has no record. `alias` is a CNAME, whose addresses are included. */
export interface ZoneEntry {
  readonly A?: ZoneAnswer;
  readonly AAAA?: ZoneAnswer;
  readonly alias?: string;
}

/** A name server on loopback, over UDP, and over TCP for responses of more than 512 bytes (RFC 1035, section 4.2). */
export interface NameServer extends AsyncDisposable {
  /** `address:port`. */
  readonly address: string;
  /** The queries, such as `udp A name`, in the order of their arrival, with repeated ones. */
  readonly queries: string[];
}

const TYPES: Readonly<Record<number, "A" | "AAAA">> = { 1: "A", 28: "AAAA" };
const CODES = { nxdomain: 3, servfail: 2 } as const;
const UDP_BYTES = 512;
const [ANSWER, TRUNCATED] = [0x8180, 0x0200];

/** Names that are not listed do not exist. */
export async function startNameServer(zone: Readonly<Record<string, ZoneEntry>>): Promise<NameServer> {
  const queries: string[] = [];
  const answer = (protocol: "udp" | "tcp", query: Buffer): Buffer | undefined => {
    const question = readQuestion(query);
    const line = `${protocol} ${question.type} ${question.name}`;
    const isFirst = !queries.includes(line);
    queries.push(line);
    const message = buildAnswer(query, question, findAnswer(zone, question, isFirst));
    return protocol === "udp" && message !== undefined && message.length > UDP_BYTES
      ? answerMessage(query, question, ANSWER | TRUNCATED, [])
      : message;
  };

  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length > 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = answer("tcp", received.subarray(2, end));
        received = received.subarray(end);
        if (message !== undefined) socket.write(Buffer.concat([uint16(message.length), message]));
      }
    });
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket("udp4");
  udp.on("message", (query, from) => {
    const message = answer("udp", query);
    if (message !== undefined) udp.send(message, from.port, from.address);
  });
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");

  return {
    address: `127.0.0.1:${port}`,
    queries,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      udp.close();
      tcp.close();
      await once(tcp, "close");
    },
  };
}

interface DnsQuestion {
  readonly name: string;
  readonly type: "A" | "AAAA";
  /** Index of its end in the query. */
  readonly end: number;
}

function readQuestion(query: Buffer): DnsQuestion {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: TYPES[query.readUInt16BE(at + 1)]!, end: at + 5 };
}

/** The response to send, and the name that it is for. */
interface ResolvedAnswer {
  readonly name: string;
  readonly answer: Exclude<ZoneAnswer, { readonly lostOnce: unknown }>;
}

function findAnswer(
  zone: Readonly<Record<string, ZoneEntry>>,
  question: DnsQuestion,
  isFirst: boolean,
): ResolvedAnswer {
  const entry = zone[question.name];
  const name = entry?.alias ?? question.name;
  const answer = entry === undefined ? "nxdomain" : (zone[name]?.[question.type] ?? []);
  if (typeof answer !== "object" || !("lostOnce" in answer)) return { name, answer };
  return { name, answer: isFirst ? "never" : answer.lostOnce };
}

function buildAnswer(
  query: Buffer,
  question: DnsQuestion,
  { name, answer }: ResolvedAnswer,
): Buffer | undefined {
  switch (answer) {
    case "never":
      return undefined;
    case "garbage":
      return Buffer.concat([query.subarray(0, 2), Buffer.alloc(60, 0xff)]);
    case "nxdomain":
    case "servfail":
      return answerMessage(query, question, ANSWER | CODES[answer], []);
    default: {
      const alias = name === question.name ? [] : [record(question.name, 5, nameBytes(name))];
      const type = question.type === "A" ? 1 : 28;
      const found = answer.map((address) => record(name, type, Buffer.from(parseAddress(address)!.bytes)));
      return answerMessage(query, question, ANSWER, [...alias, ...found]);
    }
  }
}

/** RFC 1035, section 4.1. */
function answerMessage(
  query: Buffer,
  { end }: DnsQuestion,
  flags: number,
  records: readonly Buffer[],
): Buffer {
  const counts = [flags, 1, records.length, 0, 0].map(uint16);
  return Buffer.concat([query.subarray(0, 2), ...counts, query.subarray(12, end), ...records]);
}

function record(name: string, type: number, content: Buffer): Buffer {
  const head = [type, 1, 0, 60, content.length].map(uint16);
  return Buffer.concat([nameBytes(name), ...head, content]);
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
