import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { preparedTarget } from "../../../testkit/src/fixtures.ts";
import { RequestMemo, withBoundedMemo } from "./request-memo.ts";
import type { ShapedRequest } from "./shape.ts";

const SHAPED: ShapedRequest = {
  method: "GET",
  path: "/",
  query: "",
  targetHeaders: [],
  clientHeaders: [],
  hopHeaders: [],
  plan: { kind: "precomputed", value: "" },
};

test("a request is prepared again for another target, and for other limits", () => {
  const memo = new RequestMemo();
  const [one, other] = [
    preparedTarget({ uri: "https://a.example/" }),
    preparedTarget({ uri: "https://b.example/" }),
  ];
  let made = 0;
  const make = () => {
    made += 1;
    return ok({ ...SHAPED, path: `/${made}` });
  };
  const first = memo.prepared(one, undefined, make);
  expect(memo.prepared(one, undefined, make)).toBe(first);
  expect(memo.prepared(other, undefined, make)).toEqual(ok({ ...SHAPED, path: "/2" }));
  expect(memo.prepared(one, undefined, make)).toEqual(ok({ ...SHAPED, path: "/3" }));
});

test("a request is signed again in another second, with another body, and with other lines after the signature", () => {
  const memo = new RequestMemo();
  const unsigned: readonly string[] = [];
  let made = 0;
  const make = (): string[] => [String((made += 1))];
  const first = memo.signed(SHAPED, "hash", unsigned, 1, make);
  expect(memo.signed(SHAPED, "hash", unsigned, 1, make)).toBe(first);
  expect(memo.signed(SHAPED, "hash", unsigned, 2, make)).toEqual(["2"]);
  expect(memo.signed(SHAPED, "other", unsigned, 2, make)).toEqual(["3"]);
  expect(memo.signed(SHAPED, "other", [], 2, make)).toEqual(["4"]);
  expect(memo.signed({ ...SHAPED }, "other", unsigned, 2, make)).toEqual(["5"]);
});

test("a connection keeps nothing that was made for a large resolution", () => {
  const head = { method: "GET", memo: new RequestMemo() };
  expect(withBoundedMemo(head, { bytes: 4_096 })).toBe(head);
  expect(withBoundedMemo(head, { bytes: 65_536 })).toEqual({ method: "GET", memo: undefined });
});
