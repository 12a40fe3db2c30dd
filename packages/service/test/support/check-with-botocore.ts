import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import type { ReceivedRequest } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "./client-machine.ts";

const CHECK = fileURLToPath(new URL("check-with-botocore.py", import.meta.url));

/** What botocore reads in a request. */
export interface AwsOperation {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Lets botocore verify the signature of each request, and its input with the model of the service. */
export async function checkWithBotocore(
  machine: ClientMachine,
  python: string,
  service: string,
  requests: readonly ReceivedRequest[],
): Promise<readonly AwsOperation[]> {
  const given = {
    credentials: { access_key: AWS_KEY.awsAccessKeyId, secret_key: AWS_KEY.secretAccessKey },
    requests: requests.map(({ method, url, rawHeaders, body }) => ({
      service,
      method,
      url,
      headers: pairsOf(rawHeaders),
      body: body.toString("base64"),
    })),
  };
  const file = await machine.write("requests.json", JSON.stringify(given));
  const { code, stdout, stderr } = await machine.run(python, [CHECK, file]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

function pairsOf(rawHeaders: readonly string[]): readonly (readonly string[])[] {
  return rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? ""]] : []));
}
