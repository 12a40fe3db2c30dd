import { AWS_CA_VARIABLES, awsEndpoint, awsProfile } from "./aws.ts";
import type { Preset } from "./preset.ts";

const DEFAULT_ACTIONS = ["GetItem"];

export const DYNAMODB: Preset = {
  name: "dynamodb",
  target: "Amazon DynamoDB",
  access: "single actions, GetItem by default",
  uri: awsEndpoint("dynamodb"),
  options: [
    ["aws4-hmac-sha256-service", "dynamodb"],
    ["allow-header", "x-amz-target"],
  ],
  limits: { methods: ["POST"] },
  only: {
    form: "the name of an action, such as GetItem",
    isRequired: false,
    limits(values) {
      const actions = values.length === 0 ? DEFAULT_ACTIONS : values;
      if (!actions.every((action) => /^[A-Z][A-Za-z]{1,63}$/.test(action))) return undefined;
      return { headers: { "x-amz-target": actions.map((action) => `DynamoDB_20120810.${action}`) } };
    },
    note: "The table is in the body of a request, and no limit reads bodies: give the key's IAM user only the tables that it needs.",
  },
  clients: (endpoint) => awsProfile(endpoint),
  caVariables: AWS_CA_VARIABLES,
};
