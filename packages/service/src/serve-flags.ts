import type { Argv, InferredOptionTypes } from "yargs";
import { LOG_LEVELS } from "./config.ts";
import { withLimits } from "./service-limit-flags.ts";

/*
 * The flags that every command knows, as tables. A flag that is on or off is a text without a default: the parser reads `1` and `yes`
 * as false for a boolean, and a flag without a value as the default. A flag without its value is refused: ignoring it would leave the
 * default, for a limit too.
 */

/** Where the store is. */
const STORE_FLAGS = {
  data: {
    type: "string",
    requiresArg: true,
    default: "./membrane-data",
    describe: "Directory of the store, its key and certificates",
  },
  store: {
    type: "string",
    requiresArg: true,
    default: "lmdb",
    describe: "lmdb: a store in --data; or postgres://[USER@]HOST[:PORT]/DATABASE: one that many nodes share",
  },
  "service-key-file": {
    type: "string",
    requiresArg: true,
    describe: "Where the service key is [default: service.key in --data]",
  },
} as const;

/** The audit trail, which commands of the operator write too. */
const AUDIT_FLAGS = {
  audit: {
    type: "string",
    requiresArg: true,
    describe: "File of the audit trail: a line for each change and refusal [default: none]",
  },
  "audit-required": {
    type: "string",
    describe: "Do nothing that the audit trail cannot record, but revokes",
  },
} as const;

/** How the service is reached, what it may reach, and what it tells of itself. */
const SERVE_FLAGS = {
  listen: {
    type: "string",
    requiresArg: true,
    default: "127.0.0.1:8443",
    describe: "Address to listen on: HOST:PORT",
  },
  "authority-alias": {
    type: "string",
    requiresArg: true,
    array: true,
    default: [],
    describe: "Further names of this service",
  },
  "authority-ca": {
    type: "string",
    requiresArg: true,
    array: true,
    default: [],
    describe: "AUTHORITY=FILE: private CA of another authority",
  },
  "allow-target": {
    type: "string",
    requiresArg: true,
    array: true,
    default: [],
    describe: "Allow non-public target addresses: CIDR[:PORT],…",
  },
  "forbid-http-targets": { type: "string", describe: "Connect to targets over TLS only" },
  "forbid-unverified-targets": {
    type: "string",
    describe: "Check the certificate of every target, whatever its rejectUnauthorized says",
  },
  "trust-proxy": {
    type: "string",
    requiresArg: true,
    array: true,
    default: [],
    describe: "CIDR,… of proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are trusted",
  },
  tls: {
    type: "string",
    describe: "--no-tls: plain HTTP, for a proxy that terminates TLS",
  },
  "tls-cert": {
    type: "string",
    requiresArg: true,
    describe: "Certificate chain in PEM [default: a private CA in --data]",
  },
  "tls-key": { type: "string", requiresArg: true, describe: "Its private key in PEM" },
  "upstream-client": {
    type: "string",
    requiresArg: true,
    default: "native",
    describe: "HTTP/1.1 client for targets: native, or undici",
  },
  "http-server": {
    type: "string",
    requiresArg: true,
    default: "native",
    describe: "What reads requests: native, with node for all that is rare, or node alone",
  },
  "head-memo": {
    type: "string",
    describe: "--no-head-memo: parse every request from scratch, even if its head repeats the previous one",
  },
  workers: {
    type: "number",
    requiresArg: true,
    default: 1,
    describe: "Number of processes that serve; each has all limits below to itself",
  },
  "metrics-listen": {
    type: "string",
    requiresArg: true,
    describe: "Address where Prometheus reads metrics, without authentication: ADDRESS:PORT [default: none]",
  },
  "otlp-endpoint": {
    type: "string",
    requiresArg: true,
    describe: "URL of a collector that gets traces, by OTLP over HTTP [default: none]",
  },
  "otlp-headers-file": {
    type: "string",
    requiresArg: true,
    describe: "File with the headers of requests to it, a line for each: Authorization: Bearer …",
  },
  "otlp-ca": {
    type: "string",
    requiresArg: true,
    describe: "CA certificates of the collector's private CA, in PEM",
  },
  "otlp-sample": {
    type: "string",
    requiresArg: true,
    describe: "Share of the traces that are recorded, from 0 to 1 [default: 1]",
  },
  "audit-invocations": {
    type: "string",
    requiresArg: true,
    describe: "Share of invocations in the audit trail, from 0 to 1 [default: 0]",
  },
} as const;

/** What the parser makes of the flags that every command knows. */
export type ServeFlags = InferredOptionTypes<typeof STORE_FLAGS & typeof AUDIT_FLAGS & typeof SERVE_FLAGS> & {
  readonly authority: string | undefined;
  readonly profile: string;
  readonly "log-level": string;
};

/** Whether the help of a command has flags that it knows and does not use. */
type Visibility = "shown" | "hidden";

/** Adds the flags that every command knows, so that all run in the environment of `serve`. @param profile of the flag of that name. */
export function serveFlags(
  argv: Argv,
  visibility: Visibility,
  profile: Visibility = visibility,
): Argv<ServeFlags> {
  const hidden = visibility === "hidden";
  const flags = dataFlags(argv, visibility === "shown" || profile === "shown", profile)
    .options(SERVE_FLAGS)
    .option("log-level", {
      type: "string",
      requiresArg: true,
      default: "info",
      hidden,
      describe: `Least severe event that is logged: ${LOG_LEVELS.join(", ")}`,
    });
  if (hidden) for (const name of Object.keys(SERVE_FLAGS)) flags.hide(name);
  return withLimits(flags, hidden);
}

/** @param isServed whether the command serves or initializes; others take the authority that was served last. */
function dataFlags(argv: Argv, isServed: boolean, profile: Visibility) {
  // Named first, so that the help prints this group before the limits.
  return argv
    .group("data", "Options:")
    .options(STORE_FLAGS)
    .option("authority", {
      type: "string",
      requiresArg: true,
      describe: `host[:port] in every capability URI, where clients reach the service [default: ${isServed ? "localhost:PORT" : "the one it was last served at"}]`,
    })
    .options(AUDIT_FLAGS)
    .option("profile", {
      type: "string",
      requiresArg: true,
      default: "default",
      hidden: profile === "hidden",
      describe: "Profile of capi that a first start makes, unless it exists; --no-profile: none",
    });
}
