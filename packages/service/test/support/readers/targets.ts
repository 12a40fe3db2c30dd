import { authorize } from "../../../src/invocation/authorize.ts";
import { shape } from "../../../src/invocation/shape.ts";
import { planPayload, sign } from "../../../src/invocation/sign.ts";
import type { PreparedTarget } from "../../../src/invocation/prepared-target.ts";
import { preparedTarget, requestHeadOf } from "../../../../testkit/src/fixtures.ts";

export const AWS4 = { awsAccessKeyId: "AKID", region: "us-east-1", service: "s3", secretAccessKey: "secret" };

export const openTarget = preparedTarget({ uri: "https://example.com/", allowQuery: true });

export const signedTarget = preparedTarget({
  uri: "https://example.com/",
  allowQuery: true,
  hmac: { "aws4-hmac-sha256": AWS4 },
});

/** Shapes a request, and signs it unless it is refused. */
export function shapeAndSign(target: PreparedTarget, query: string, rawHeaders: readonly string[]): unknown {
  const head = requestHeadOf({ query, rawHeaders });
  const uri = authorize(target, head);
  const plan = planPayload(target, head);
  if (!uri.ok || plan.kind === "refused") return undefined;
  const shaped = shape(target, head, uri.value, plan, []);
  return shaped.ok && sign(target, shaped.value, "x", [], () => new Date(0));
}
