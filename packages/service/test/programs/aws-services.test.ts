import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startTarget } from "../../../testkit/src/target.ts";
import type { AwsMachine } from "../support/aws-machine.ts";
import { configureFor, findAwsClis, startAwsMachine } from "../support/aws-machine.ts";
import { expectRefused, expectRefusedAsOnPage } from "../support/aws-refusals.ts";
import { checkWithBotocore } from "../support/check-with-botocore.ts";
import { pythonsWith } from "../support/programs.ts";

/* Services with JSON and with the query protocol, as docs/clients/aws.md says; botocore checks what arrives. */

const CLIS = await findAwsClis();
const [PYTHON = ""] = pythonsWith("boto3");

let machine: AwsMachine;
beforeAll(async () => {
  machine = await startAwsMachine();
});
afterEach(() => expect(machine.otherHosts.found()).toEqual([]));
afterAll(() => machine[Symbol.asyncDispose]());

test.each(CLIS)("aws $version reads an item of DynamoDB, and shows why it writes none", async (cli) => {
  await using target = await startTarget(
    (_request, response) => void response.end('{"Item":{"name":{"S":"the item"}}}'),
  );
  await configureFor(machine, target, "dynamodb", machine.page.examples[1]);
  const command = `aws dynamodb get-item --table-name table --key '{"id":{"S":"1"}}'`;
  const { stdout, stderr } = await machine.runScript(machine.files, command, cli);
  expect(stdout, stderr).toContain("the item");
  await expectRefusedAsOnPage(machine, cli, "dynamodb");
  expect(await checkWithBotocore(machine, PYTHON, "dynamodb", target.requests)).toEqual([
    { operation: "GetItem", input: { TableName: "table", Key: { id: { S: "1" } } } },
  ]);
});

test.each(CLIS)("aws $version invokes one function of Lambda, and shows why no other", async (cli) => {
  await using target = await startTarget((_request, response) => void response.end('{"answer":42}'));
  await configureFor(machine, target, "lambda", machine.page.examples[2]);
  await machine.write("files/event.json", '{"a":1}');
  const command = "aws lambda invoke --function-name NAME --payload fileb://event.json out.json";
  const { code, stderr } = await machine.runScript(machine.files, command, cli);
  expect(code, stderr).toBe(0);
  expect(await readFile(join(machine.files, "out.json"), "utf8")).toBe('{"answer":42}');
  await expectRefusedAsOnPage(machine, cli, "lambda");
  await expectRefused(machine, cli, `${command} --invocation-type Event`, /x-amz-invocation-type/i);
  expect(await checkWithBotocore(machine, PYTHON, "lambda", target.requests)).toEqual([
    { operation: "Invoke", input: { FunctionName: "NAME", Payload: '{"a":1}' } },
  ]);
});

const IDENTITY = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/robot</Arn>
<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;

test.each(CLIS)(
  "aws $version asks STS whose key the target has, and shows a refusal within what it cannot parse",
  async (cli) => {
    await using target = await startTarget((_request, response) => void response.end(IDENTITY));
    await configureFor(machine, target, "sts");
    const command = "aws sts get-caller-identity";
    const { stdout, stderr } = await machine.runScript(machine.files, command, cli);
    expect(stdout, stderr).toContain("arn:aws:iam::123456789012:user/robot");
    await configureFor(machine, target, "sts", { limits: { methods: ["GET"] } });
    await expectRefused(
      machine,
      cli,
      command,
      /Unable to parse response.*method: expected.*method_not_allowed/s,
    );
    expect(await checkWithBotocore(machine, PYTHON, "sts", target.requests)).toEqual([
      { operation: "GetCallerIdentity", input: {} },
    ]);
  },
);
