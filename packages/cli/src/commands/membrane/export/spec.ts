import type { CommandSpec } from "../../../parse/command-spec.ts";
import { type AccessOptionName, ACCESS_OPTIONS, OUTPUT_OPTION } from "../../options/shared-options.ts";
import { type NarrowingOptionName, LIMITS_WITHOUT_OPTION, NARROWING_OPTIONS } from "./narrowing-options.ts";
import { type PresetOptionName, PRESET_OPTIONS } from "./preset/preset-options.ts";
import { type TargetOptionName, TARGET_OPTIONS } from "./target-options.ts";

export type ExportOptionName =
  | AccessOptionName
  | NarrowingOptionName
  | PresetOptionName
  | TargetOptionName
  | "capability-to-export"
  | "id"
  | "output";

export const EXPORT_SPEC: CommandSpec<ExportOptionName> = {
  name: "membrane export",
  describe: "Make a capability: for a target, or from a capability you hold",
  options: {
    ...PRESET_OPTIONS,
    ...TARGET_OPTIONS,
    "capability-to-export": {
      takes: "secret",
      describe: "Capability URI to pass on in place of a target, @FILE or @-",
    },
    ...NARROWING_OPTIONS,
    id: { takes: "text", describe: "The membrane's name, in place of its export capability" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  replacements: LIMITS_WITHOUT_OPTION,
  examples: [
    ["capi membrane export --id reports --uri https://api.example/v1/report", "A target"],
    [
      "capi membrane export --id reports --uri https://api.example/ --header @key",
      'With a header from a file: "X-Api-Key: …"',
    ],
    [
      "capi membrane export --id for-bob --capability-to-export @report.txt",
      "A capability to pass on that can be revoked separately",
    ],
    [
      "capi membrane export --id for-bob --capability-to-export @report.txt --expires-in 7d --max-uses 100",
      "The same for a week, and for 100 requests",
    ],
    [
      "capi membrane export --id github --uri https://api.github.com/ --header @key --allow-path --methods GET --path '/repos/o/r/**'",
      "Reading one repository",
    ],
    [
      "capi membrane export --id github --preset github --only o/r --header @key",
      "The same, and what to give to the client",
    ],
    [
      "capi membrane export --id s3 --preset s3 --only my-bucket/reports --aws4-hmac-sha256-region us-east-1 --aws4-hmac-sha256-aws-access-key-id @id --aws4-hmac-sha256-secret-access-key @secret",
      "Reading what begins with reports/ in a bucket",
    ],
    [
      "capi membrane export --id db --preset dynamodb --only GetItem Query --aws4-hmac-sha256-region us-east-1 --aws4-hmac-sha256-aws-access-key-id @id --aws4-hmac-sha256-secret-access-key @secret",
      "Two actions of DynamoDB; without --only GetItem alone",
    ],
    [
      "capi membrane export --id tools --preset mcp --only search --uri https://mcp.example/mcp --header @key",
      "One tool of an MCP server; lambda takes --only FUNCTION",
    ],
  ],
};
