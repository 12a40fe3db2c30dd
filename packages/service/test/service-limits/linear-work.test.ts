import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Reader } from "../support/readers/reader.ts";
import { READERS } from "../support/readers/readers.ts";
import { cost, walk } from "../support/work.ts";

/** Texts that an attacker repeats: single characters, alternating pairs, beginnings of tokens that a parser knows. */
const UNITS: readonly string[] = [
  Array.from(" \t\n\r\0\u007f.,:;/\\|-_~=&%+*!?#@'\"`^$()[]{}<>aA0\u00e9\u0130\u2028\ufeff\ud800\u{1F600}"),
  "a.|. |.,|:1|1.|a:|::|a=|=&|a&|&&=|; |, |,,a|a,|//|/.|../|./|%4|%41|%2e/|%25|%ff".split("|"),
  ['\\"', '"a', '",', '"\\', "[]", "{}", "[1],", '{"a":1},', '"a":1,', "1,", "null,", "\\u0041"],
  [
    "a ",
    " a",
    "\t ",
    "a\t",
    "- ",
    "- - ",
    ": ",
    "? ",
    "&a ",
    "*a ",
    "!a ",
    "#a\n",
    "---\n",
    "a: b\n",
    "\r\n",
  ],
  ["Bearer ", "chunked ", "public,", "private=", "no-store ", "headers.", "a: ", "xn--", "0x7f.", "\u00e9."],
  ["CPBLTY1-", "cpblty:", "cpblty://a/#", "http://", "-----", "-----BEGIN ", "-----BEGIN CERTIFICATE-----"],
  ["-----BEGIN A ", "-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nAAAA\n"],
].flat();

interface Shape {
  readonly name: string;
  readonly text: (length: number) => string;
}

/** @param length in bytes of UTF-8, as limits are: a parser reads and escapes each byte of a character. */
function repeat(unit: string, length: number): string {
  return unit.repeat(Math.max(0, Math.floor(length / Buffer.byteLength(unit))));
}

function shapesFor({ benign }: Reader): readonly Shape[] {
  const units = UNITS.flatMap((unit): Shape[] => {
    const name = JSON.stringify(unit);
    return [
      { name: `${name} alone`, text: (length) => repeat(unit, length) },
      // A run that neither begins nor ends with the text.
      { name: `a, ${name}, a`, text: (length) => `a${repeat(unit, length - 2)}a` },
      {
        name: `an honest text, ${name}`,
        text: (length) => repeat(benign, length / 2) + repeat(unit, length / 2),
      },
    ];
  });
  const nested = [
    ["[", "]"],
    ['{"a":', "}"],
    ["(", ")"],
    ["{a: ", "}"],
    ['"', '"'],
  ].map(([open = "", close = ""]) => ({
    name: `nested ${open}${close}`,
    text: (length: number) => {
      const depth = Math.floor(length / (open.length + close.length));
      return `${open.repeat(depth)}${close.repeat(depth)}`;
    },
  }));
  const distinct: Shape[] = [
    // Distinct letters make some encodings slow (RFC 3492).
    { name: "distinct letters", text: (length) => letters(Math.min(Math.floor(length / 3), 20_000), 0x4e00) },
    { name: "lines that differ", text: (length) => countUp(length, (at) => `${at}: a\n`) },
    { name: "pairs that differ", text: (length) => countUp(length, (at) => `k${(at * 7_919) % 65_536}=v&`) },
    { name: "members that differ", text: (length) => `{${countUp(length - 8, (at) => `"${at}":1,`)}"a":1}` },
    { name: "anchors", text: (length) => countUp(length, (at) => `- &a${at} [*a${Math.max(0, at - 1)}]\n`) },
  ];
  return [...units, ...nested, ...distinct];
}

function letters(count: number, from: number): string {
  return Array.from({ length: count }, (_, at) => String.fromCharCode(from + at)).join("");
}

function countUp(length: number, piece: (at: number) => string): string {
  let text = "";
  for (let at = 0; ; at += 1) {
    const next = piece(at);
    if (text.length + next.length > length) return text;
    text += next;
  }
}

/**
 * The most steps of {@link walk} for each byte of the longest input. Parsers take up to two hundred; one whose time
 * is the square of its input takes thousands.
 */
const MAX_STEPS = 400;

/** Runs of the walk: the first ones are slower, before V8 has compiled the code, and other load slows many. */
const WALKS = 75;

/** The most runs of a parser. One that is fast enough once needs no more, so only a parser that is too slow takes all of them. */
const MAX_RUNS = 150;

/** Finds the first text for which a parser takes too long. A short text is tried first, since a long one might not end. */
function findSlow(reader: Reader): string | undefined {
  const { longest, read, benign } = reader;
  const shapes: readonly Shape[] = [
    { name: "an honest text", text: (length) => repeat(benign, length) },
    ...shapesFor(reader),
  ];
  for (const length of [longest / 4, longest]) {
    const honest = repeat(benign, length);
    const bound = MAX_STEPS * cost(() => walk(honest), WALKS);
    for (const { name, text } of shapes) {
      const hostile = text(length);
      if (cost(() => read(hostile), MAX_RUNS, bound) > bound) return `${name}, ${length} bytes`;
    }
  }
  return undefined;
}

const NAMED = READERS.map((reader) => [reader.name, reader] as const);

test.each(NAMED)("%s takes time in proportion to its input, for any input", (_, reader) => {
  expect(findSlow(reader)).toBeUndefined();
});

/** Functions with similar names that are not in the table, by the reason. */
const OTHERS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "takes values that another parser has accepted",
    [
      "protocol/src/authority.ts#normalizeAuthority",
      "protocol/src/signers/aws4-canonical.ts#canonicalRequest",
      "protocol/src/signers/cap1-canonical.ts#canonicalRequest",
      "cli/src/parse/option-values.ts#readOptionValues",
    ],
  ],
  [
    "is part of a parser that is in the table",
    [
      "protocol/src/json/fields.ts#parseEntries",
      "protocol/src/json/fields.ts#parseFields",
      "protocol/src/json/fields.ts#parseOptionalBoolean",
      "protocol/src/json/fields.ts#parseOptionalText",
      "protocol/src/json/fields.ts#parseText",
      "protocol/src/api/target.ts#parseTarget",
      "protocol/src/json/members.ts#parseMembers",
      "protocol/src/openings/openings.ts#parseOpenings",
      "protocol/src/limits/parse-request-limit.ts#parseRequestLimit",
      "protocol/src/json/timestamp.ts#parseTimestamp",
      "service/src/http/host.ts#readAuthority",
      "service/src/http/request-target.ts#readRequestTarget",
      "service/src/invocation/aws-chunked/decode.ts#decodeAwsChunked",
      "service/src/invocation/query-pairs.ts#decodeQueryKey",
      "service/src/invocation/query-pairs.ts#splitQuery",
      "service/src/invocation/query-pairs.ts#splitQueryPair",
    ],
  ],
  [
    "only passes a text, an option or a file to parsers that are in the table",
    [
      "cli/src/commands/completion/run.ts#read",
      "cli/src/commands/config/configure/read.ts#read",
      "cli/src/commands/config/profile-input.ts#read",
      "cli/src/commands/config/profile-input.ts#readProfileName",
      "cli/src/commands/config/remove/read.ts#read",
      "cli/src/commands/membrane/create/read.ts#read",
      "cli/src/commands/membrane/delete-self/read.ts#read",
      "cli/src/commands/membrane/export/read.ts#read",
      "cli/src/commands/membrane/query/read.ts#read",
      "cli/src/commands/membrane/revoke/read.ts#read",
      "cli/src/commands/options/read-access.ts#readCapability",
      "cli/src/commands/options/read-access.ts#readTrustOptions",
      "cli/src/commands/options/read-output.ts#readOutput",
      "cli/src/commands/profiles/run.ts#read",
      "cli/src/commands/request/read.ts#read",
      "cli/src/capability/tenant-capabilities.ts#parseSavedCapabilities",
      "cli/src/read-command-line.ts#readCommandLine",
      "cli/src/commands/membrane/export/narrowing.ts#readNarrowing",
      "cli/src/commands/membrane/export/openings.ts#readOpenings",
      "cli/src/commands/membrane/export/preset/used-preset.ts#readPreset",
      "cli/src/commands/membrane/export/read-limits-file.ts#readLimitsFile",
      "cli/src/commands/membrane/export/target.ts#readTarget",
      "cli/src/commands/membrane/membrane-ref.ts#readMembraneRef",
      "cli/src/commands/config/configure/flags.ts#readFlags",
      "cli/src/read-at-most.ts#readAtMost",
      "cli/src/trust/ca-file.ts#readCaFile",
      "cli/src/trust/trust-file.ts#readTrustFile",
      "cli/src/trust/trusted-ca.ts#readCa",
    ],
  ],
  [
    "parses texts of the user or operator who runs the program",
    [
      "cli/src/commands/options/duration.ts#parseDuration",
      // The YAML parser compares each key of a map with all others; the size of the file is limited.
      "sdk/src/profiles/document.ts#parseDocuments",
      "sdk/src/profiles/edit.ts#parseProfileDocuments",
      "sdk/src/profiles/profile-files.ts#readProfileTexts",
      "sdk/src/profiles/profiles.ts#readProfile",
      "service/src/cli.ts#readCommandLine",
      "service/src/commands/advice.ts#parseOpenFiles",
      "service/src/commands/advice.ts#readOpenFiles",
      "service/src/commands/backup-description.ts#parseBackupDescription",
      "service/src/commands/first-capabilities-file.ts#parseFirstCapabilities",
      "service/src/commands/traces/trace-files.ts#parseHeaderLines",
      "service/src/commands/traces/trace-files.ts#readTraceFiles",
      "service/src/trace-config.ts#readTraceConfig",
      "service/src/commands/configured-files.ts#readAuthorityCas",
      "service/src/commands/configured-files.ts#readConfiguredFiles",
      "service/src/config.ts#readDataConfig",
      "service/src/config.ts#readInitConfig",
      "service/src/config.ts#readServeConfig",
      "service/src/move-place.ts#readMovePlace",
      "service/src/service-limit-flags.ts#readLimits",
      "service/src/flag-values.ts#readCount",
      "service/src/flag-values.ts#readDirectory",
      "service/src/flag-values.ts#readTenant",
      "service/src/flag-values.ts#readTime",
      "service/src/flag-values.ts#readTrailFiles",
      "service/src/private-files.ts#readIfPresent",
      "service/src/store-config.ts#readDatabase",
      "service/src/store-config.ts#readStore",
      "service/src/store/lease/lease-times.ts#parseLeaseTimes",
      "service/src/store/postgres/config/connection-files.ts#readConnectionFiles",
      "service/src/store/postgres/config/connection-settings.ts#parseConnectionSettings",
      "service/src/store/postgres/config/connection-url.ts#parseConnectionUrl",
      "service/src/store/postgres/server-check.ts#readServerFacts",
      "service/src/store/service-key-file.ts#readServiceKeyFile",
    ],
  ],
  [
    "parses texts that the service itself has written, under a MAC or in its process",
    [
      "protocol/src/api/target-uri.ts#readTargetUri",
      "service/src/commands/worker-messages.ts#parseCertificateMessage",
      "service/src/commands/worker-messages.ts#parseMetricsMessage",
      "service/src/commands/worker-messages.ts#parseWorkerMessage",
      "service/src/domain/uid.ts#parseUid",
      "service/src/management/tenant-keys.ts#parseTenantKeys",
      "service/src/store/codec/audit-head-row.ts#readAuditHeads",
      "service/src/store/codec/authenticated-row.ts#decodeRow",
      "service/src/store/codec/capability-payload.ts#decodeCapabilityPayload",
      "service/src/store/codec/columns.ts#decodeColumns",
      "service/src/store/codec/format-row.ts#parseFormatRow",
      "service/src/store/codec/key-version.ts#readKeyVersion",
      "service/src/store/codec/limits.ts#decodeLimits",
      "service/src/store/codec/optional-columns.ts#readOptional",
      "service/src/store/codec/optional-columns.ts#readOptionalText",
      "service/src/store/codec/optional-columns.ts#readVariant",
      "service/src/store/codec/record-codec.ts#decodeRecord",
      "service/src/store/codec/target-payload.ts#decodeTargetPayload",
      "service/src/store/codec/text-list.ts#readTexts",
      "service/src/store/lmdb/move.ts#readStoreFormat",
      "service/src/commands/key/key-places.ts#readNeededKeys",
      "service/src/store/lmdb/rotation.ts#readKeyUsage",
      "service/src/store/lmdb/schema-version.ts#readFormat",
      "service/src/store/lmdb/stored-rows.ts#readPage",
      "service/src/store/postgres/rotation/unused-store.ts#readKeyUsage",
      "service/src/store/postgres/loaded-rows.ts#parseLoadedRows",
      "service/src/store/postgres/store-format.ts#readFormat",
      "service/src/store/postgres/stored-audit-heads.ts#readStoredAuditHeads",
      "service/src/store/postgres/transfer/arriving-store.ts#readStoreFormat",
      "service/src/store/postgres/revocations/lease-statements.ts#parseLeaseReply",
      "service/src/store/postgres/revocations/poller-statements.ts#parseNodeRows",
      "service/src/store/postgres/revocations/poller-statements.ts#parsePollerReply",
      "service/src/store/postgres/revocations/watched-nodes.ts#readNodeRows",
      "service/src/store/upgrades/target-1.ts#readTargetVersion1",
      "service/src/telemetry/metrics/reading.ts#parseReading",
      "service/src/tls/name-constraints.ts#decodeNameConstraints",
      "service/src/tls/x509.ts#readNameConstraints",
    ],
  ],
]);

test("no exported parser is missing in the table", () => {
  const others = [...OTHERS.values()].flat();
  const listed = new Set([...READERS.map(({ name }) => name.split(" ", 1)[0]), ...others]);
  const exported = exportedReaders();
  expect(exported.filter((name) => !listed.has(name))).toEqual([]);
  expect(others.filter((name) => !exported.includes(name))).toEqual([]);
});

/** Lists functions whose name says that they parse a text, as `package/src/file#function`. */
function exportedReaders(): readonly string[] {
  return ["protocol", "sdk", "cli", "service"].flatMap((name) =>
    sourcesOf(name).flatMap((path) =>
      Array.from(
        readFileSync(join(PACKAGES, path), "utf8").matchAll(
          /^export (?:async )?function ((?:parse|read|split|decode|trim|normalize|canonical|check\w+Query|check\w+Path)\w*)/gm,
        ),
        ([, found]) => `${path}#${found}`,
      ),
    ),
  );
}

const PACKAGES = fileURLToPath(new URL("../../..", import.meta.url));

function sourcesOf(name: string): readonly string[] {
  return readdirSync(join(PACKAGES, name, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.startsWith("testkit"))
    .map((path) => `${name}/src/${path}`);
}
