import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { S3Stub } from "../../../testkit/src/s3-stub.ts";
import { createS3Stub } from "../../../testkit/src/s3-stub.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { AwsCli, AwsMachine } from "../support/aws-machine.ts";
import { configureFor, findAwsClis, startAwsMachine } from "../support/aws-machine.ts";
import { expectRefusedAsOnPage } from "../support/aws-refusals.ts";

/* What the AWS CLI, rclone and s3cmd can do with one prefix of a bucket, read-only, as docs/clients/aws.md narrows it. */

const CLIS = await findAwsClis();

let machine: AwsMachine;
let bucket: TestTarget;
let s3: S3Stub;
let token: string;
beforeAll(async () => {
  machine = await startAwsMachine();
  s3 = createS3Stub();
  bucket = await startTarget((_request, response) => s3.handle(bucket.requests.at(-1)!, response));
  ({ token } = await configureFor(machine, bucket, "s3", machine.page.examples[0]));
  s3.objects.set("/my-bucket/reports/1.txt", Buffer.from("one"));
  s3.objects.set("/my-bucket/reports/of 2026/é+1.txt", Buffer.from("two"));
  s3.objects.set("/my-bucket/other.txt", Buffer.from("secret"));
});
afterEach(() => expect(machine.otherHosts.found()).toEqual([]));
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), bucket[Symbol.asyncDispose]()]));

interface Client {
  readonly name: string;
  readonly aws?: AwsCli;
  /** It has its credentials in the environment. */
  readonly needsVariables?: true;
  readonly reads: string;
  /** Commands, and what the client shows. */
  readonly refused: Readonly<Record<string, RegExp>>;
}

const CLIENTS: readonly Client[] = [
  ...CLIS.map((aws) => ({
    name: `aws ${aws.version}`,
    aws,
    reads: `
      aws s3 ls s3://my-bucket/reports/
      aws s3 cp s3://my-bucket/reports/1.txt copy.txt
      aws s3 sync s3://my-bucket/reports copies`,
    refused: {
      "aws s3 cp copy.txt s3://my-bucket/reports/2.txt": /\(MethodNotAllowed\).*\(method_not_allowed\)/,
      "aws s3 rm s3://my-bucket/reports/1.txt": /\(MethodNotAllowed\).*\(method_not_allowed\)/,
      "aws s3 cp s3://my-bucket/other.txt other.txt": /\(403\).*HeadObject operation: Forbidden/,
    },
  })),
  {
    name: "rclone",
    needsVariables: true,
    reads: `
      rclone ls membrane:my-bucket/reports
      rclone copyto membrane:my-bucket/reports/1.txt copy.txt
      rclone sync membrane:my-bucket/reports copies`,
    refused: {
      "rclone copyto copy.txt membrane:my-bucket/reports/2.txt": /method_not_allowed/,
      "rclone deletefile membrane:my-bucket/reports/1.txt": /method_not_allowed/,
      "rclone copyto membrane:my-bucket/other.txt other.txt": /403/,
      "rclone ls membrane:my-bucket": /query_not_allowed/,
    },
  },
  {
    name: "s3cmd",
    needsVariables: true,
    reads: `
      s3cmd ls s3://my-bucket/reports/
      s3cmd get s3://my-bucket/reports/1.txt copy.txt
      s3cmd sync s3://my-bucket/reports/ copies/`,
    refused: {
      "s3cmd put copy.txt s3://my-bucket/reports/2.txt": /method_not_allowed/,
      "s3cmd rm s3://my-bucket/reports/1.txt": /method_not_allowed/,
      "s3cmd get s3://my-bucket/other.txt other.txt": /path_not_allowed|403/,
      "s3cmd ls s3://my-bucket/": /query_not_allowed/,
    },
  },
];

test.each(CLIENTS)(
  "$name lists and copies what is below the prefix, can do nothing else, and shows why",
  async ({ name, aws, needsVariables, reads, refused }) => {
    const folder = join(machine.home, name);
    await mkdir(join(folder, "copies"), { recursive: true });
    const variables = machine.page.block("sh variables", { ...machine, token });
    const setup = needsVariables === true ? `${variables}export RCLONE_RETRIES=1` : "";
    const { code, stdout, stderr } = await machine.runScript(folder, `${setup}\n${reads}`, aws);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("1.txt");
    expect(await readFile(join(folder, "copy.txt"), "utf8")).toBe("one");
    expect(await readFile(join(folder, "copies/of 2026/é+1.txt"), "utf8")).toBe("two");

    const received = bucket.requests.length;
    for (const [command, shown] of Object.entries(refused)) {
      const ended = await machine.runScript(folder, `${setup}\n${command}`, aws);
      expect([command, ended.code === 0], ended.stdout + ended.stderr).toEqual([command, false]);
      expect(ended.stderr, command).toMatch(shown);
    }
    if (aws !== undefined) await expectRefusedAsOnPage(machine, aws, "s3");
    const passed = bucket.requests.slice(received).map(({ method, url }) => `${method} ${url}`);
    expect(passed.filter((line) => !/^(?:HEAD|GET) \/my-bucket\/reports\//.test(line))).toEqual([]);
    expect(s3.objects.size).toBe(3);
  },
);

test("with the methods that write, aws uploads in parts below the prefix, and nowhere else", async () => {
  const [aws] = CLIS;
  const limits = {
    ...(machine.page.examples[0]?.["limits"] as object),
    methods: ["GET", "HEAD", "PUT", "POST", "DELETE"],
  };
  await configureFor(machine, bucket, "s3", { limits });
  await writeFile(join(machine.home, "large"), Buffer.alloc(9 * 1_024 * 1_024, "x"));
  const upload = `
    aws s3 cp large s3://my-bucket/reports/large
    aws s3 rm s3://my-bucket/reports/large`;
  const begin = bucket.requests.length;
  const { code, stdout, stderr } = await machine.runScript(machine.home, upload, aws);
  expect(code, stdout + stderr).toBe(0);
  const methods = bucket.requests.slice(begin).map(({ method }) => method);
  expect(methods).toEqual(["POST", "PUT", "PUT", "POST", "DELETE"]);
  for (const key of ["my-bucket/other", "my-bucket", "other-bucket/reports/x"]) {
    const ended = await machine.runScript(machine.home, `aws s3 cp large s3://${key}`, aws);
    expect([key, ended.code === 0]).toEqual([key, false]);
  }
  expect(bucket.requests.length - begin).toBe(methods.length);
});
