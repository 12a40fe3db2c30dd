import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { S3Stub } from "../../../testkit/src/s3-stub.ts";
import { createS3Stub } from "../../../testkit/src/s3-stub.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { AwsCli, AwsMachine } from "../support/aws-machine.ts";
import { findAwsClis, startAwsMachine } from "../support/aws-machine.ts";
import { grant } from "../support/client-machine.ts";

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
  const { limits } = machine.page.examples[0]!;
  ({ token } = await grant(machine, { ...machine.page.exportBody(bucket.url), limits }));
  await machine.configure(token);
  s3.objects.set("/my-bucket/reports/1.txt", Buffer.from("one"));
  s3.objects.set("/my-bucket/reports/of 2026/é+1.txt", Buffer.from("two"));
  s3.objects.set("/my-bucket/other.txt", Buffer.from("secret"));
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), bucket[Symbol.asyncDispose]()]));

interface Client {
  readonly name: string;
  readonly aws?: AwsCli;
  readonly before?: string;
  readonly reads: string;
  readonly refused: readonly string[];
}

const CLIENTS: readonly Client[] = [
  ...CLIS.map((aws) => ({
    name: `aws ${aws.version}`,
    aws,
    reads: `
      aws s3 ls s3://my-bucket/reports/
      aws s3 cp s3://my-bucket/reports/1.txt copy.txt
      aws s3 sync s3://my-bucket/reports copies`,
    refused: [
      "aws s3 cp copy.txt s3://my-bucket/reports/2.txt",
      "aws s3 rm s3://my-bucket/reports/1.txt",
      "aws s3 cp s3://my-bucket/other.txt other.txt",
      "aws s3 ls s3://my-bucket/",
    ],
  })),
  {
    name: "rclone",
    before: `
      unset AWS_CA_BUNDLE
      export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_SESSION_TOKEN=TOKEN
      export RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=1`,
    reads: `
      rclone ls membrane:my-bucket/reports
      rclone copyto membrane:my-bucket/reports/1.txt copy.txt
      rclone sync membrane:my-bucket/reports copies`,
    refused: [
      "rclone copyto copy.txt membrane:my-bucket/reports/2.txt",
      "rclone deletefile membrane:my-bucket/reports/1.txt",
      "rclone copyto membrane:my-bucket/other.txt other.txt",
      "rclone ls membrane:my-bucket",
    ],
  },
  {
    name: "s3cmd",
    reads: `
      s3cmd ls s3://my-bucket/reports/
      s3cmd get s3://my-bucket/reports/1.txt copy.txt
      s3cmd sync s3://my-bucket/reports/ copies/`,
    refused: [
      "s3cmd put copy.txt s3://my-bucket/reports/2.txt",
      "s3cmd rm s3://my-bucket/reports/1.txt",
      "s3cmd get s3://my-bucket/other.txt other.txt",
      "s3cmd ls s3://my-bucket/",
    ],
  },
];

test.each(CLIENTS)(
  "$name lists and copies what is below the prefix, and can do nothing else",
  async ({ name, aws, before = "", reads, refused }) => {
    const folder = join(machine.home, name);
    await mkdir(join(folder, "copies"), { recursive: true });
    const setup = before.replace("=TOKEN", `=${token}`);
    const { code, stdout, stderr } = await machine.runScript(folder, `${setup}\n${reads}`, aws);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("1.txt");
    expect(await readFile(join(folder, "copy.txt"), "utf8")).toBe("one");
    expect(await readFile(join(folder, "copies/of 2026/é+1.txt"), "utf8")).toBe("two");

    const received = bucket.requests.length;
    for (const command of refused) {
      const ended = await machine.runScript(folder, `${setup}\n${command}`, aws);
      expect([command, ended.code === 0], ended.stdout + ended.stderr).toEqual([command, false]);
    }
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
  const writing = await grant(machine, { ...machine.page.exportBody(bucket.url), limits });
  await machine.configure(writing.token);
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
