import type { ClientEndpoint, ClientSetup } from "./preset.ts";

/** Variables that name a file of CAs to the AWS CLI and the SDKs, and to the SDK for JavaScript. */
export const AWS_CA_VARIABLES: readonly string[] = ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/** Makes the function that returns AWS's endpoint of a service. China has another domain. */
export function awsEndpoint(service: string): (region: string) => string {
  return (region) => `https://${service}.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`;
}

/** @param more lines of the profile that one service needs. */
export function awsProfile(
  { authority, token, region }: ClientEndpoint,
  more: readonly string[] = [],
): readonly ClientSetup[] {
  return [
    {
      place: "In ~/.aws/config, for clients with AWS_PROFILE=membrane",
      lines: [
        "[profile membrane]",
        `region = ${region}`,
        `endpoint_url = https://${authority}`,
        "aws_access_key_id = any",
        "aws_secret_access_key = any",
        `aws_session_token = ${token}`,
        ...more,
      ],
    },
  ];
}

/** Encodes a part of a path as AWS's clients do. */
export function encodePart(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
