import type { RequestLimitBody } from "capability-protocol";
import { parsePathPattern } from "capability-protocol";
import { AWS_CA_VARIABLES, awsEndpoint, awsProfile, encodePart } from "./aws.ts";
import type { Preset } from "./preset.ts";

export const S3: Preset = {
  name: "s3",
  target: "Amazon S3 or a compatible server",
  access: "objects and their lists, read-only",
  uri: awsEndpoint("s3"),
  options: [
    ["aws4-hmac-sha256-service", "s3"],
    ["allow-path", "true"],
    ["allow-query", "true"],
  ],
  limits: { methods: ["GET", "HEAD"] },
  only: {
    form: "BUCKET or BUCKET/PREFIX, such as my-bucket/reports, with a bucket's name of 3 to 63 characters",
    isRequired: true,
    limits(values) {
      const requests = values.map(toRequests).filter((each) => each !== undefined);
      return requests.length < values.length ? undefined : { requests: requests.flat() };
    },
  },
  clients: (endpoint) => awsProfile(endpoint, ["s3 =", "  addressing_style = path"]),
  caVariables: AWS_CA_VARIABLES,
};

/** Keys of a list's query, of both versions, except its prefix. */
const LIST_KEYS = [
  "list-type",
  "delimiter",
  "encoding-type",
  "max-keys",
  "continuation-token",
  "start-after",
  "fetch-owner",
  "marker",
];

/** Allows listing what begins with a prefix, and all methods below it. */
function toRequests(value: string): readonly RequestLimitBody[] | undefined {
  const [, bucket = "", prefix = ""] =
    /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.+?))?\/?$/.exec(value) ?? [];
  const parts = prefix === "" ? [] : prefix.split("/");
  // Without `*`, the path of the bucket itself would admit operations on the bucket, and that of `reports` an object outside `reports/`.
  const folder = `/${[bucket, ...parts.map(encodePart)].join("/")}/`;
  const below = `${folder}*/**`;
  if (bucket === "" || parts.includes("") || !parsePathPattern(below).ok) return undefined;
  return [
    {
      methods: ["GET"],
      paths: [`/${bucket}`, `/${bucket}/`],
      query: {
        prefix: parts.length === 0 ? true : [{ startsWith: `${prefix}/` }],
        ...Object.fromEntries(LIST_KEYS.map((key) => [key, true] as const)),
      },
    },
    // Consoles make an object with the name of a folder and its slash.
    { paths: parts.length === 0 ? [below] : [folder, below] },
  ];
}
