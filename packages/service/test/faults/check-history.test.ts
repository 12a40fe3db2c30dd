import { expect, test } from "vitest";
import type { Rule } from "../support/faults/check-history.ts";
import { checkHistory } from "../support/faults/check-history.ts";
import type { History, Operation, StreamRecord } from "../support/faults/history.ts";

/** Membrane m with capability c on one node: made by 20, alive for all until a revoke that began at 100 and ended at 110. */
const CREATED = operation({ kind: "create", resource: "m", began: 0, ended: 10 });
const EXPORTED = operation({ kind: "export", resource: "c", through: ["m"], began: 10, ended: 20 });
const REVOKED = operation({ kind: "revoke", resource: "m", began: 100, ended: 110 });
const MADE = [CREATED, EXPORTED];

/** What all nodes are asked at the end, when the revoke holds. */
const REFUSED_AT_THE_END = [
  operation({
    kind: "probe",
    resource: "m",
    through: ["m"],
    began: 9_000,
    outcome: "refused",
    isFinal: true,
  }),
  operation({
    kind: "invoke",
    resource: "c",
    through: ["m"],
    began: 9_000,
    outcome: "refused",
    isFinal: true,
  }),
];
const DONE_AT_THE_END = REFUSED_AT_THE_END.map((question): Operation => ({ ...question, outcome: "done" }));

function operation(part: Pick<Operation, "kind" | "resource" | "began"> & Partial<Operation>): Operation {
  return {
    node: 0,
    through: [],
    outcome: "done",
    detail: "",
    isFinal: false,
    ended: part.began + 1,
    ...part,
  };
}

function invoke(part: Pick<Operation, "began"> & Partial<Operation>): Operation {
  return operation({ kind: "invoke", resource: "c", through: ["m"], ...part });
}

function stream(part: Partial<StreamRecord>): StreamRecord {
  return { node: 0, through: ["m"], direction: "response", began: 30, passed: [40, 90], ended: 120, ...part };
}

function rulesOf(history: Partial<History>): readonly Rule[] {
  const empty: History = {
    nodes: [0],
    operations: [],
    streams: [],
    outages: [],
    interruptions: [],
    lost: [],
  };
  return checkHistory({ ...empty, ...history }).map(({ rule }) => rule);
}

/** The rules that are broken when these are added to a whole life. */
function rulesWith(operations: readonly Operation[], history: Partial<History> = {}): readonly Rule[] {
  return rulesOf({ ...history, operations: [...MADE, REVOKED, ...operations, ...REFUSED_AT_THE_END] });
}

test("a history in which everything is as it must be has no violation", () => {
  expect(rulesWith([invoke({ began: 50 }), invoke({ began: 111, outcome: "refused" })])).toEqual([]);
  expect(rulesOf({ operations: [...MADE, invoke({ began: 50 }), ...DONE_AT_THE_END] })).toEqual([]);
});

test("a request that began after an acknowledged revoke and passed is found, and one that began before is not", () => {
  expect(rulesWith([invoke({ began: 111 })])).toEqual(["passedAfterRevoke"]);
  expect(rulesWith([invoke({ began: 109, ended: 130 })])).toEqual([]);
  expect(rulesWith([operation({ kind: "export", resource: "d", through: ["m"], began: 111 })])).toContain(
    "passedAfterRevoke",
  );
});

test("of several membranes, the first that was revoked counts, and of several revokes, the first", () => {
  const later = operation({ kind: "revoke", resource: "m", began: 200 });
  expect(rulesWith([later, invoke({ began: 150 })])).toEqual(["passedAfterRevoke"]);
  expect(rulesWith([invoke({ began: 150, resource: "d", through: ["other", "m"] })])).toEqual([
    "passedAfterRevoke",
  ]);
});

test("a revoke that was not acknowledged makes nothing a violation, until it is", () => {
  const attempt = operation({ kind: "revoke", resource: "m", began: 60, ended: 70, outcome: "unavailable" });
  const between = [invoke({ began: 80 }), invoke({ began: 80, outcome: "refused" })];
  expect(rulesWith([attempt, ...between])).toEqual([]);
});

test("a request that was refused before a revoke began is found, and one that ended after is not", () => {
  expect(rulesWith([invoke({ began: 50, outcome: "refused" })])).toEqual(["refusedBeforeRevoke"]);
  expect(rulesWith([invoke({ began: 50, ended: 100, outcome: "refused" })])).toEqual([]);
  expect(rulesWith([invoke({ began: 50, outcome: "unavailable" })])).toEqual([]);
});

test("what was acknowledged and is not there at the end is found", () => {
  const [probe, invocation] = DONE_AT_THE_END as [Operation, Operation];
  const lostExport = { ...invocation, outcome: "refused" as const };
  expect(rulesOf({ operations: [...MADE, probe, lostExport] })).toEqual(["refusedBeforeRevoke"]);
  const query = operation({ kind: "query", resource: "m", through: ["m"], began: 9_000, outcome: "refused" });
  expect(rulesOf({ operations: [...MADE, ...DONE_AT_THE_END, query] })).toEqual(["refusedBeforeRevoke"]);
  const unknown = { ...CREATED, outcome: "unknown" as const, node: 1 };
  const interruptions = [{ node: 1, began: 0, ended: 10 }];
  expect(rulesOf({ operations: [unknown, query], interruptions })).toEqual([]);
});

test("what was acknowledged and was not asked of a node at the end is found", () => {
  expect(rulesOf({ operations: [...MADE, REVOKED] })).toEqual(["notAskedAtTheEnd", "notAskedAtTheEnd"]);
  expect(rulesWith([], { nodes: [0, 1] })).toEqual(["notAskedAtTheEnd", "notAskedAtTheEnd"]);
});

test("nodes that differ at the end are found", () => {
  const loss = [{ began: 0, ended: 200 }];
  const differing = invoke({ began: 9_000, node: 1, isFinal: true });
  expect(rulesWith([differing], { lost: loss })).toContain("nodesDisagree");
});

test("a node that lets something pass when its lease must be over is found", () => {
  const outages = [{ node: 0, began: 1_000, ended: 5_000 }];
  const through = ["kept"];
  const at = (began: number, ended: number, node = 0) => [
    invoke({ began, ended, node, resource: "k", through }),
  ];
  expect(rulesWith(at(2_001, 4_000), { outages })).toEqual(["passedWithoutStore"]);
  expect(rulesWith(at(2_001, 4_000), { outages: [{ ...outages[0]!, node: "all" }] })).toEqual([
    "passedWithoutStore",
  ]);
  expect(rulesWith(at(1_999, 4_000), { outages })).toEqual([]);
  expect(rulesWith(at(2_001, 5_001), { outages })).toEqual([]);
  expect(rulesWith(at(2_001, 4_000, 1), { outages })).toEqual([]);
});

test("of a store that lost something, what was made meanwhile must be refused, and what was revoked may be alive", () => {
  const lost = [{ began: 5, ended: 200 }];
  expect(rulesOf({ operations: [...MADE, REVOKED, ...DONE_AT_THE_END], lost })).toEqual(["passedAfterLoss"]);
  expect(rulesOf({ operations: [...MADE, ...REFUSED_AT_THE_END], lost })).toEqual([]);
  expect(
    rulesOf({ operations: [...MADE, REVOKED, invoke({ began: 150 }), ...REFUSED_AT_THE_END], lost }),
  ).toEqual(["passedAfterRevoke"]);
  const waiting = invoke({ began: 150, ended: 201 });
  expect(rulesOf({ operations: [...MADE, REVOKED, waiting, ...REFUSED_AT_THE_END], lost })).toEqual([]);
});

test("a capability that was used too often is found", () => {
  const use = (began: number, node: number) =>
    operation({ kind: "use", resource: "counted", through: ["other"], began, node });
  expect(rulesWith([use(30, 0), use(31, 1), use(32, 2)])).toEqual([]);
  expect(rulesWith([use(30, 0), use(31, 1), use(32, 2), use(33, 0)])).toEqual(["usedTooOften"]);
});

test("a piece of a stream that was sent two seconds after a revoke is found, either way", () => {
  for (const direction of ["request", "response"] as const) {
    expect(rulesWith([], { streams: [stream({ direction, passed: [40, 2_111], ended: 2_112 })] })).toEqual([
      "streamAfterRevoke",
    ]);
    expect(rulesWith([], { streams: [stream({ direction, passed: [40, 2_109], ended: 9_000 })] })).toEqual(
      [],
    );
  }
  expect(rulesWith([], { streams: [stream({ passed: [], ended: 120 })] })).toEqual([]);
});

test("a piece of a stream that was sent two seconds after the store was gone is found", () => {
  const outages = [{ node: 0, began: 1_000, ended: 5_000 }];
  const at = (sent: number, node = 0) => [stream({ through: ["kept"], node, passed: [40, sent] })];
  expect(rulesWith([], { outages, streams: at(3_001) })).toEqual(["streamWithoutStore"]);
  expect(rulesWith([], { outages, streams: at(2_999) })).toEqual([]);
  expect(rulesWith([], { outages, streams: at(5_001) })).toEqual([]);
  expect(rulesWith([], { outages, streams: at(3_001, 1) })).toEqual([]);
  const waiting = [stream({ through: ["kept"], began: 3_000, passed: [3_001], ended: 9_000 })];
  expect(rulesWith([], { outages, streams: waiting })).toEqual([]);
});

test("a stream that is never cut after a revoke is found", () => {
  const { ended: _, ...open } = stream({});
  expect(rulesWith([], { streams: [open] })).toEqual(["streamNeverCut"]);
  expect(rulesOf({ operations: [...MADE, ...DONE_AT_THE_END], streams: [open] })).toEqual([]);
});

test("a response that no rule allows is found, and a missing one unless its node was interrupted", () => {
  expect(rulesWith([invoke({ began: 50, outcome: "unexpected" })])).toEqual(["unexpectedResponse"]);
  const missing = [invoke({ kind: "probe", began: 50, ended: 60, outcome: "unknown" })];
  expect(rulesWith(missing)).toEqual(["lostResponse"]);
  expect(rulesWith(missing, { interruptions: [{ node: 0, began: 59, ended: 70 }] })).toEqual([]);
  expect(rulesWith([invoke({ began: 50, ended: 60, outcome: "unknown" })])).toEqual([]);
  expect(rulesWith(missing, { interruptions: [{ node: 1, began: 59, ended: 70 }] })).toEqual([
    "lostResponse",
  ]);
});
