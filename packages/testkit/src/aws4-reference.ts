import { createHash } from "node:crypto";
import aws4 from "aws4";
import type { ReceivedRequest } from "./target.ts";

/** The credentials in AWS's examples. */
export const AWS_KEY = {
  awsAccessKeyId: "AKIAIOSFODNN7EXAMPLE",
  region: "us-east-1",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
} as const;

export function sha256(body: string | Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

/** Whether the `aws4` package makes the same Authorization for a request as it has. */
export function isCorrectlySigned(request: ReceivedRequest, service: string): boolean {
  const received = request.headers.authorization ?? "";
  const names = /SignedHeaders=([^,]+),/.exec(received)?.[1]?.split(";") ?? [];
  const signed = aws4.sign(
    {
      method: request.method,
      path: request.url,
      service,
      region: AWS_KEY.region,
      headers: Object.fromEntries(names.map((name) => [name, request.headers[name] ?? ""])),
    },
    { accessKeyId: AWS_KEY.awsAccessKeyId, secretAccessKey: AWS_KEY.secretAccessKey },
  );
  return received !== "" && signed.headers?.["Authorization"] === received;
}
