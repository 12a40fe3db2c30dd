import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createS3Stub } from "../../../testkit/src/s3-stub.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { AwsMachine } from "../support/aws-machine.ts";
import { configureFor, findAwsClis, startAwsMachine } from "../support/aws-machine.ts";
import { expectRefused, expectRefusedAsOnPage } from "../support/aws-refusals.ts";

/* One prefix of a bucket, to read, as docs/clients/aws.md says, and what its clients show of refusals. */

const CLIS = await findAwsClis();

let machine: AwsMachine;
beforeAll(async () => {
  machine = await startAwsMachine();
  await machine.write("files/event.json", '{"a":1}');
});
afterEach(() => expect(machine.otherHosts.requests).toEqual([]));
afterAll(() => machine[Symbol.asyncDispose]());

/** Starts a bucket with an object below the prefix, and one elsewhere. */
async function startBucket(): Promise<TestTarget> {
  const s3 = createS3Stub();
  s3.objects.set("/my-bucket/reports/1.txt", Buffer.from("the report"));
  s3.objects.set("/my-bucket/other/1.txt", Buffer.from("another"));
  const bucket: TestTarget = await startTarget((_request, response) =>
    s3.handle(bucket.requests.at(-1)!, response),
  );
  return bucket;
}

test.each(CLIS)(
  "aws $version reads below one prefix of a bucket, and shows why all else is refused",
  async (cli) => {
    await using bucket = await startBucket();
    await configureFor(machine, bucket, "s3", machine.page.examples[0]);
    const script = "aws s3 ls s3://my-bucket/reports/\naws s3 cp s3://my-bucket/reports/1.txt -";
    const { stdout, stderr } = await machine.runScript(machine.files, script, cli);
    expect(stdout, stderr).toMatch(/ 1\.txt\nthe report$/);
    const before = bucket.requests.length;
    await expectRefusedAsOnPage(machine, cli, "s3");
    await expectRefused(machine, cli, "aws s3 cp s3://my-bucket/other/1.txt -", /403.*Forbidden/);
    const upload = "aws s3 cp event.json s3://my-bucket/reports/2.txt";
    await expectRefused(machine, cli, upload, /\(MethodNotAllowed\).*method_not_allowed/);
    expect(bucket.requests).toHaveLength(before);
  },
);

test.each([
  {
    name: "rclone",
    list: "rclone lsf membrane:my-bucket/reports/",
    read: "rclone cat membrane:my-bucket/reports/1.txt",
    listAll: "rclone lsf membrane:my-bucket/",
    write: "rclone copyto event.json membrane:my-bucket/reports/2.txt",
  },
  {
    name: "s3cmd",
    list: "s3cmd ls s3://my-bucket/reports/",
    read: "s3cmd get --quiet s3://my-bucket/reports/1.txt -",
    listAll: "s3cmd ls s3://my-bucket/",
    write: "s3cmd put event.json s3://my-bucket/reports/2.txt",
  },
])(
  "$name reads below one prefix of a bucket, and shows why all else is refused",
  async ({ list, read, listAll, write }) => {
    await using bucket = await startBucket();
    const { token } = await configureFor(machine, bucket, "s3", machine.page.examples[0]);
    const variables = machine.page.block("sh variables of rclone", { ...machine, token });
    const { stdout, stderr } = await machine.runScript(machine.files, `${variables}${list}\n${read}`);
    expect(stdout, stderr).toMatch(/1\.txt\nthe report$/);
    await expectRefused(machine, undefined, `${variables}${listAll}`, /query_not_allowed/);
    await expectRefused(machine, undefined, `${variables}${write}`, /method_not_allowed/);
    expect(bucket.requests.filter(({ method }) => method === "PUT")).toEqual([]);
  },
);

test.each(CLIS)(
  "a URL that aws $version presigns is refused and says so, and its token is in no log",
  async (cli) => {
    await using bucket = await startBucket();
    await configureFor(machine, bucket);
    const script = `curl -sS --cacert '${machine.ca}' "$(aws s3 presign s3://my-bucket/reports/1.txt)"`;
    const { stdout, stderr } = await machine.runScript(machine.files, script, cli);
    expect(stdout, stderr).toContain("no presigned URL");
    expect(JSON.parse(stdout)).toMatchObject({ statusCode: 400 });
    expect(machine.service.logged()).not.toContain("CPBLTY1-");
    expect(bucket.requests).toEqual([]);
  },
);
