import { AWS_CA_VARIABLES, awsEndpoint, awsProfile, encodePart } from "./aws.ts";
import type { Preset } from "./preset.ts";

export const LAMBDA: Preset = {
  name: "lambda",
  target: "AWS Lambda",
  access: "synchronous invocations of functions",
  uri: awsEndpoint("lambda"),
  options: [
    ["aws4-hmac-sha256-service", "lambda"],
    ["allow-path", "true"],
  ],
  limits: { methods: ["POST"] },
  only: {
    form: "a function's name or ARN",
    isRequired: true,
    limits(values) {
      if (!values.every((value) => /^[A-Za-z0-9_:-]{1,170}$/.test(value))) return undefined;
      return { paths: values.map((value) => `/2015-03-31/functions/${encodePart(value)}/invocations`) };
    },
  },
  clients: (endpoint) => awsProfile(endpoint),
  caVariables: AWS_CA_VARIABLES,
};
