import type { History, Interval, NodeInterval, Operation, StreamRecord } from "./history.ts";
import { MAX_USES } from "./history.ts";
import type { Makers } from "./revoked-times.ts";
import { findMakers, revokedAt, revokedSince } from "./revoked-times.ts";

/** Something in a history that must not happen. */
export interface Violation {
  readonly rule: Rule;
  readonly text: string;
}

export type Rule = keyof typeof RULES;

/** The lease of every node, in milliseconds. */
const LEASE_MS = 1_000;

/** How long after a revoke, or the loss of the store, a piece of a stream may still pass, in milliseconds. */
const STREAM_CUT_MS = 2_000;

/** What must not be in any history. Each rule returns what is. */
const RULES = {
  passedAfterRevoke,
  refusedBeforeRevoke,
  passedWithoutStore,
  passedAfterLoss,
  usedTooOften,
  streamAfterRevoke,
  streamWithoutStore,
  streamNeverCut,
  notAskedAtTheEnd,
  nodesDisagree,
  unexpectedResponse,
  lostResponse,
} as const satisfies Readonly<Record<string, (history: History, makers: Makers) => Iterable<string>>>;

const RULE_NAMES = Object.keys(RULES) as readonly Rule[];

/** Returns everything in a history that must not happen. */
export function checkHistory(history: History): readonly Violation[] {
  const makers = findMakers(history);
  return RULE_NAMES.flatMap((rule) =>
    [...RULES[rule](history, makers)].map((text): Violation => ({ rule, text })),
  );
}

/** No request that began after an acknowledged revoke passes on any node. */
function* passedAfterRevoke(history: History): Iterable<string> {
  const revoked = revokedSince(history);
  for (const operation of history.operations) {
    if (!USES.has(operation.kind) || operation.outcome !== "done") continue;
    // One that waits until the store has lost the revoke may pass.
    const at = revokedAt(revoked, operation.through, operation.ended);
    if (at < operation.began) yield `${describe(operation)}: revoked at ${at.toFixed(1)}`;
  }
}

/** The kinds that use a capability, so that a revoke ends them. */
const USES: ReadonlySet<Operation["kind"]> = new Set(["export", "probe", "invoke", "use"]);

/** No request that ended before a revoke began is refused, so nothing that was acknowledged is missing. */
function* refusedBeforeRevoke({ operations, lost }: History, makers: Makers): Iterable<string> {
  const begun = new Map<string, number>();
  for (const { kind, resource, began } of operations) {
    if (kind === "revoke") begun.set(resource, Math.min(began, begun.get(resource) ?? Infinity));
  }
  for (const operation of operations) {
    if (operation.outcome !== "refused" || operation.kind === "use") continue;
    const revokeBegan = Math.min(...operation.through.map((membrane) => begun.get(membrane) ?? Infinity));
    if (operation.ended >= revokeBegan) continue;
    const needed = makers.of(operation);
    if (operation.kind === "query" && needed.length === 0) continue;
    if (needed.some((maker) => lost.some((interval) => overlap(maker, interval)))) continue;
    yield describe(operation);
  }
}

/** A node without its store lets nothing pass once its lease is over. */
function* passedWithoutStore({ operations, outages }: History): Iterable<string> {
  for (const operation of operations) {
    if (!USES.has(operation.kind) || operation.outcome !== "done") continue;
    const outage = outages.find(
      ({ node, began, ended }) =>
        concerns(node, operation.node) && operation.began > began + LEASE_MS && operation.ended < ended,
    );
    if (outage !== undefined) yield `${describe(operation)}: no store ${format(outage)}`;
  }
}

/** What was made in a time that the store has lost is refused, also by a node that had decided about it. */
function* passedAfterLoss({ operations, lost }: History, makers: Makers): Iterable<string> {
  for (const operation of operations) {
    if (!USES.has(operation.kind) || operation.outcome !== "done") continue;
    const loss = lost.find(
      (interval) =>
        operation.began > interval.ended &&
        makers.of(operation).some((maker) => maker.began > interval.began && maker.ended < interval.ended),
    );
    if (loss !== undefined) yield `${describe(operation)}: made while ${format(loss)} was lost`;
  }
}

/** A use is counted once for all nodes, before the request is sent. A store that has lost something may have lost counts. */
function* usedTooOften({ operations, lost }: History): Iterable<string> {
  if (lost.length > 0) return;
  const counts = new Map<string, number>();
  for (const { kind, outcome, resource } of operations) {
    if (kind === "use" && outcome === "done") counts.set(resource, (counts.get(resource) ?? 0) + 1);
  }
  for (const [resource, count] of counts) if (count > MAX_USES) yield `${count} uses of ${resource}`;
}

/** No piece that was sent two seconds after an acknowledged revoke arrives. */
function* streamAfterRevoke(history: History): Iterable<string> {
  const revoked = revokedSince(history);
  for (const stream of history.streams) {
    const last = Math.max(...stream.passed);
    const at = revokedAt(revoked, stream.through, last);
    if (last > at + STREAM_CUT_MS) yield `${describeStream(stream)}: revoked at ${at.toFixed(1)}`;
  }
}

/**
 * No piece arrives that was sent two seconds after a node lost its store, and before it had it again. A later stream may wait until
 * then.
 */
function* streamWithoutStore({ streams, outages }: History): Iterable<string> {
  for (const stream of streams) {
    const outage = outages.find(
      ({ node, began, ended }) =>
        concerns(node, stream.node) &&
        stream.began <= began &&
        stream.passed.some((sent) => sent > began + STREAM_CUT_MS && sent < ended),
    );
    if (outage !== undefined) yield `${describeStream(stream)}: no store ${format(outage)}`;
  }
}

/** Every stream of a revoked membrane ends. */
function* streamNeverCut(history: History): Iterable<string> {
  const revoked = revokedSince(history);
  for (const stream of history.streams) {
    if (stream.ended === undefined && revokedAt(revoked, stream.through, Infinity) < Infinity)
      yield describeStream(stream);
  }
}

/** Everything that was acknowledged is asked of every node at the end. */
function* notAskedAtTheEnd({ operations, nodes }: History): Iterable<string> {
  const asked = new Set<string>();
  for (const { isFinal, outcome, resource, node } of operations) {
    if (isFinal && (outcome === "done" || outcome === "refused")) asked.add(`${resource} ${node}`);
  }
  for (const { kind, outcome, resource } of operations) {
    if ((kind !== "create" && kind !== "export") || outcome !== "done") continue;
    for (const node of nodes) if (!asked.has(`${resource} ${node}`)) yield `${resource} on node ${node}`;
  }
}

/** At the end all nodes say the same of a resource. Each use may be the last. */
function* nodesDisagree({ operations }: History): Iterable<string> {
  const answers = new Map<string, Operation>();
  for (const operation of operations) {
    const { isFinal, kind, outcome } = operation;
    if (!isFinal || kind === "use" || (outcome !== "done" && outcome !== "refused")) continue;
    const key = `${kind} ${operation.resource}`;
    const other = answers.get(key) ?? operation;
    answers.set(key, other);
    if (other.outcome !== operation.outcome) yield `${describe(other)} and ${describe(operation)}`;
  }
}

function* unexpectedResponse({ operations }: History): Iterable<string> {
  for (const operation of operations) if (operation.outcome === "unexpected") yield describe(operation);
}

/** Only a node that was interrupted leaves a client without a response, or one whose lease ends within the target's response. */
function* lostResponse({ operations, interruptions }: History): Iterable<string> {
  for (const operation of operations) {
    if (operation.outcome !== "unknown" || FORWARDED.has(operation.kind)) continue;
    const wasInterrupted = interruptions.some(
      (interval) => concerns(interval.node, operation.node) && overlap(interval, operation),
    );
    if (!wasInterrupted) yield describe(operation);
  }
}

const FORWARDED: ReadonlySet<Operation["kind"]> = new Set(["invoke", "use"]);

function concerns(node: NodeInterval["node"], other: number): boolean {
  return node === "all" || node === other;
}

function overlap(a: Interval, b: Interval): boolean {
  return a.began <= b.ended && b.began <= a.ended;
}

function describe(operation: Operation): string {
  const { kind, resource, node, outcome, detail } = operation;
  return `${kind} of ${resource} on node ${node} ${format(operation)}: ${outcome} (${detail})`;
}

function describeStream({ direction, node, through, began, passed }: StreamRecord): string {
  const last = passed.at(-1)?.toFixed(1) ?? "none";
  return `${direction} stream through ${through.join()} on node ${node} since ${began.toFixed(1)}, last piece sent at ${last}`;
}

function format({ began, ended }: Interval): string {
  return `${began.toFixed(1)}–${ended.toFixed(1)}`;
}
