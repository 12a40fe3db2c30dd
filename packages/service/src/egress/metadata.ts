import type { IpAddress } from "../net/address.ts";
import { parseAddress, sameAddress } from "../net/address.ts";

/** An address or a host name at which a platform gives credentials to any process inside it. */
export interface MetadataEndpoint {
  readonly endpoint: string;
  readonly platform: string;
  readonly source: string;
}

/**
 * Denied even if an allow rule contains them: a rule for `169.254.0.0/16`, or for everything, is not meant to give the machine's
 * credentials to every holder of an `export` capability.
 */
export const METADATA_ADDRESSES: readonly MetadataEndpoint[] = [
  {
    endpoint: "169.254.169.254",
    platform: "AWS, GCP, Azure, OpenStack and others",
    source: "AWS EC2 User Guide, instance metadata",
  },
  { endpoint: "fd00:ec2::254", platform: "AWS", source: "AWS EC2 User Guide, instance metadata" },
  { endpoint: "169.254.170.2", platform: "AWS ECS", source: "AWS ECS Developer Guide, task IAM role" },
  { endpoint: "169.254.170.23", platform: "AWS EKS", source: "AWS EKS User Guide, Pod Identity" },
  { endpoint: "fd00:ec2::23", platform: "AWS EKS", source: "AWS EKS User Guide, Pod Identity agent" },
  {
    endpoint: "168.63.129.16",
    platform: "Azure",
    source: "Microsoft Learn, What is IP address 168.63.129.16",
  },
  { endpoint: "fd20:ce::254", platform: "GCP", source: "vendor documentation, unverified" },
  { endpoint: "fe80::a9fe:a9fe", platform: "OpenStack", source: "OpenStack Nova, metadata service" },
  {
    endpoint: "100.100.100.200",
    platform: "Alibaba Cloud",
    source: "public lists of metadata endpoints",
  },
  { endpoint: "169.254.0.23", platform: "Tencent Cloud", source: "Datadog agent, Tencent detection" },
  { endpoint: "169.254.42.42", platform: "Scaleway", source: "cloud-init, Scaleway data source" },
  { endpoint: "fd00:42::42", platform: "Scaleway", source: "cloud-init, Scaleway data source" },
  {
    endpoint: "192.0.0.192",
    platform: "Oracle Cloud, classic",
    source: "public lists of metadata endpoints",
  },
  {
    endpoint: "fd00:c1::a9fe:a9fe",
    platform: "Oracle Cloud",
    source: "vendor documentation, unverified",
  },
  { endpoint: "fd00:a9fe:a9fe::1", platform: "Linode", source: "vendor documentation, unverified" },
];

/** Names of the same services, denied before they are resolved. */
export const METADATA_HOSTS: readonly MetadataEndpoint[] = [
  { endpoint: "metadata", platform: "GCP", source: "public lists of metadata endpoints" },
  {
    endpoint: "metadata.google.internal",
    platform: "GCP",
    source: "Google Compute Engine, metadata server",
  },
  { endpoint: "metadata.goog", platform: "GCP", source: "vendor documentation, unverified" },
  { endpoint: "instance-data", platform: "AWS", source: "public lists of metadata endpoints" },
  {
    endpoint: "instance-data.ec2.internal",
    platform: "AWS",
    source: "public lists of metadata endpoints",
  },
  {
    endpoint: "metadata.tencentyun.com",
    platform: "Tencent Cloud",
    source: "public lists of metadata endpoints",
  },
  {
    endpoint: "metadata.packet.net",
    platform: "Equinix Metal",
    source: "public lists of metadata endpoints",
  },
  { endpoint: "rancher-metadata", platform: "Rancher", source: "public lists of metadata endpoints" },
  {
    endpoint: "kubernetes.default.svc",
    platform: "Kubernetes API",
    source: "Kubernetes, accessing the API from a pod",
  },
  {
    endpoint: "kubernetes.default.svc.cluster.local",
    platform: "Kubernetes API",
    source: "Kubernetes, DNS for services",
  },
];

const PARSED_ADDRESSES: readonly IpAddress[] = METADATA_ADDRESSES.flatMap(
  ({ endpoint }) => parseAddress(endpoint) ?? [],
);
const HOST_NAMES: ReadonlySet<string> = new Set(METADATA_HOSTS.map(({ endpoint }) => endpoint));

/** Whether the address is one of a metadata service. */
export function isMetadataAddress(address: IpAddress): boolean {
  return PARSED_ADDRESSES.some((known) => sameAddress(known, address));
}

/** Whether the name, in lower case and without a trailing dot, is one of a metadata service. */
export function isMetadataHost(name: string): boolean {
  return HOST_NAMES.has(name);
}
