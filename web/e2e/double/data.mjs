// Invented data for the test double: a cluster with 10,000 pods and a handful of problems.
import { readFileSync } from 'node:fs'

export const AS_OF = '2026-11-22T10:00:00Z'
export const kinds = JSON.parse(readFileSync(new URL('./kinds.json', import.meta.url), 'utf8'))

const NAMESPACES = ['payments', 'shop', 'data', 'monitoring', 'ingress', 'staging', 'kube-system', 'platform']
const APPS = [
  'cart',
  'checkout',
  'catalog',
  'ledger',
  'gateway',
  'fraud',
  'search',
  'frontend',
  'recommender',
  'api',
]
const minutesAgo = (minutes) => new Date(Date.parse(AS_OF) - minutes * 60_000).toISOString()

/** A repeatable number in [0, 1) for a seed. */
const chance = (seed) => {
  const x = Math.sin(seed * 12.9898) * 43758.5453
  return x - Math.floor(x)
}

const STATES = [
  { word: 'Running', level: 'ok', reason: '' },
  { word: 'CrashLoopBackOff', level: 'crit', reason: 'back-off 5m0s restarting failed container' },
  { word: 'ImagePullBackOff', level: 'crit', reason: 'manifest unknown' },
  { word: 'Pending', level: 'progress', reason: '0/8 nodes are available' },
  { word: 'Unhealthy', level: 'warn', reason: 'readiness probe fails' },
]

export function pod(index) {
  const namespace = NAMESPACES[index % NAMESPACES.length]
  const app = APPS[Math.floor(index / 8) % APPS.length]
  const dice = chance(index)
  const state = STATES[dice > 0.997 ? 1 : dice > 0.994 ? 2 : dice > 0.99 ? 3 : dice > 0.98 ? 4 : 0]
  const bad = state.level !== 'ok'
  return {
    kind: 'Pod',
    namespace,
    name: `${app}-${(index * 7919).toString(16).padStart(9, '0')}-${index.toString(36).padStart(5, 'x')}`,
    uid: `uid-${index}`,
    created_at: minutesAgo(20 + chance(index + 5) * 16_000),
    status: state,
    health: {
      score: bad ? (state.level === 'crit' ? 15 : 60) : 92 + Math.floor(chance(index + 1) * 9),
      level: bad ? state.level : 'ok',
      reasons: bad ? [state.reason] : [],
    },
    problem: null,
    labels: { app },
    ready: bad ? '0/1' : '1/1',
    reason: state.reason,
    restarts: state.level === 'crit' ? 14 + (index % 30) : 0,
    last_restart: state.level === 'crit' ? minutesAgo(index % 40) : null,
    cpu: chance(index + 2) * 0.8,
    memory: chance(index + 3) * 9e8,
    cpu_requests: 0.25,
    cpu_used: chance(index + 2) * 0.8,
    cpu_request_ratio: chance(index + 2),
    cpu_limit_ratio: chance(index + 2) / 2,
    memory_request_ratio: chance(index + 3),
    memory_limit_ratio: chance(index + 3) / 2,
    node: `ip-10-0-${index % 40}-${(index * 13) % 250}`,
    qos: 'Burstable',
    owner: `Deployment/${app}`,
    ip: `10.1.${index % 250}.${(index * 3) % 250}`,
  }
}

export const pods = Array.from({ length: 10_000 }, (_, index) => pod(index))

const ref = (kind, namespace, name) => ({ kind, namespace, name })

const aProblem = (mode, severity, probability, resource, title, summary, more = {}) => ({
  id: `f_${mode}_${resource.name}`,
  resource,
  mode,
  title,
  probability,
  severity,
  summary,
  evidence: [`ev_${mode}_one`, `ev_${mode}_two`],
  since: minutesAgo(40),
  explains: [],
  missing: [],
  chain: [],
  remedy: {
    text: 'Set the image to a tag that exists in the registry.',
    command: `kubectl -n ${resource.namespace || 'default'} rollout undo deployment/${resource.name}`,
  },
  ...more,
})

export const problems = [
  aProblem(
    'image_tag_missing',
    'critical',
    0.97,
    ref('Deployment', 'payments', 'gateway'),
    'Image tag does not exist',
    'Deployment payments/gateway rolled out registry.example.com/gateway:v2.41.0, and the registry has no such tag. The old pods still serve; the rollout is stuck.',
    {
      chain: [
        'gateway:v2.41.0 is not in the registry',
        '2 pods cannot pull it',
        'the rollout of payments/gateway does not progress',
      ],
      explains: [
        ref('Pod', 'payments', 'gateway-6d9f7c5b4-x2k8p'),
        ref('ReplicaSet', 'payments', 'gateway-6d9f7c5b4'),
      ],
    },
  ),
  aProblem(
    'node_not_ready',
    'critical',
    0.99,
    ref('Node', '', 'ip-10-0-3-17'),
    'Node stopped reporting',
    'The kubelet of ip-10-0-3-17 has not reported for 38 minutes; 11 pods on it are lost.',
    { explains: [ref('Pod', 'monitoring', 'node-exporter-kx8p2')] },
  ),
  aProblem(
    'oom_killed',
    'critical',
    0.94,
    ref('Deployment', 'shop', 'catalog'),
    'Container exceeds its memory limit',
    'Each catalog pod is killed at 256 MiB about 6 minutes after its start; its use grows until then.',
    { missing: ['No heap profile; a leak and a limit that is too low look the same.'] },
  ),
  aProblem(
    'pvc_storageclass_missing',
    'warning',
    0.96,
    ref('StatefulSet', 'data', 'kafka'),
    'Claim names a StorageClass that does not exist',
    'The claim data-kafka-2 waits for the class fast-ssd, which the cluster does not have.',
  ),
  aProblem(
    'readiness_probe_wrong_port',
    'warning',
    0.91,
    ref('Deployment', 'staging', 'api'),
    'Readiness probe asks a port nobody listens on',
    'The probe asks port 8081; the container listens on 8080.',
  ),
  aProblem(
    'quota_exceeded',
    'warning',
    0.88,
    ref('ReplicaSet', 'platform', 'worker-84d7'),
    'Quota stops new pods',
    'ResourceQuota platform/compute has 0 cores left; 3 of 5 pods run.',
  ),
  aProblem(
    'pdb_blocks_drain',
    'info',
    0.71,
    ref('PodDisruptionBudget', 'shop', 'search'),
    'Budget allows no disruption',
    'minAvailable equals the number of pods, so a drain waits for ever.',
  ),
]

export const cluster = {
  id: 'cl_prod',
  name: 'prod-eu-1',
  source: 'kubeconfig',
  server: 'https://api.prod-eu-1.example.com',
  status: 'ready',
  message: '',
  as_of: AS_OF,
  version: 'v1.36.2',
  production: true,
  created_at: minutesAgo(9000),
  problems: { critical: 3, warning: 3 },
}
export const recorded = {
  ...cluster,
  id: 'cl_rec',
  name: 'incidents',
  source: 'recorded',
  server: '',
  production: false,
}

const statusCounts = pods.reduce(
  (counts, { status }) => ({ ...counts, [status.word]: (counts[status.word] ?? 0) + 1 }),
  {},
)

export const overview = (of) => ({
  cluster: of,
  as_of: AS_OF,
  age_s: 12,
  version: 'v1.36.2',
  outcome: 'faults',
  health: {
    score: 71,
    level: 'warn',
    factors: [
      { name: 'workloads', score: 62, weight: 0.4, detail: '5 of 143 workloads are not fully available' },
      { name: 'nodes', score: 88, weight: 0.3, detail: '1 of 8 nodes is not ready' },
      { name: 'storage', score: 94, weight: 0.15, detail: '1 claim is not bound' },
      { name: 'network', score: 100, weight: 0.15, detail: 'every Service with a selector has endpoints' },
    ],
  },
  counts: {
    Pod: 10_000,
    Deployment: 143,
    ReplicaSet: 301,
    StatefulSet: 9,
    DaemonSet: 6,
    Node: 8,
    Namespace: 8,
    Service: 160,
    Event: 412,
    ConfigMap: 230,
  },
  nodes: { ready: 7, total: 8, not_ready: ['ip-10-0-3-17'] },
  pods: { by_status: statusCounts, total: 10_000 },
  usage: {
    cpu: { allocatable: 512, requested: 402, used: 188 },
    memory: { allocatable: 2.1e12, requested: 1.7e12, used: 1.1e12 },
  },
  problems: { total: problems.length, critical: 3, warning: 3, top: problems.slice(0, 5) },
  namespaces: NAMESPACES.map((name, index) => ({
    name,
    pods: 1250,
    problems: index < 6 ? 1 : 0,
    health: index < 2 ? 'crit' : index < 6 ? 'warn' : 'ok',
  })),
  warnings: [
    {
      reason: 'BackOff',
      count: 412,
      last: minutesAgo(1),
      example: 'Back-off restarting failed container catalog in pod catalog-5d6f8b9c7-2kx8p',
      resource: 'Pod/shop/catalog-5d6f8b9c7-2kx8p',
    },
    {
      reason: 'FailedScheduling',
      count: 37,
      last: minutesAgo(3),
      example: '0/8 nodes are available: 3 Insufficient cpu, 5 node(s) had untolerated taint',
      resource: 'Pod/data/kafka-2',
    },
    {
      reason: 'NodeNotReady',
      count: 1,
      last: minutesAgo(38),
      example: 'Node ip-10-0-3-17 status is now: NodeNotReady',
      resource: 'Node/ip-10-0-3-17',
    },
  ],
  gaps: [
    {
      kind: 'Secret',
      reason: 'forbidden',
      message: 'secrets is forbidden: cannot list resource "secrets"',
      namespace: '',
    },
  ],
})

export const evidence = (id) => ({
  id,
  type: 'object',
  resource: ref('Pod', 'payments', 'gateway-6d9f7c5b4-x2k8p'),
  pointer: '/status/containerStatuses/0/state/waiting',
  observed: {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "registry.example.com/gateway:v2.41.0": manifest unknown',
  },
  expected: 'the container runs',
  text: 'Container gateway waits: ImagePullBackOff, manifest unknown',
  at: AS_OF,
  lines: null,
  cluster: '',
  uid: '',
  resource_version: '1',
  container: '',
})

export const detail = (kind, namespace, name) => {
  const row = pods.find((candidate) => candidate.name === name) ?? { ...pod(3), kind, namespace, name }
  const own = row.status.level === 'ok' ? [] : [problems[0]]
  return {
    resource: ref(kind, namespace === '-' ? '' : namespace, name),
    row,
    problems: own,
    as_of: AS_OF,
    gaps: [],
    summary: [
      { label: 'Node', value: row.node, type: 'text' },
      { label: 'Created', value: row.created_at, type: 'age' },
      { label: 'CPU used', value: row.cpu, type: 'cpu' },
      { label: 'Memory', value: row.memory, type: 'bytes' },
    ],
    labels: { app: 'gateway', 'app.kubernetes.io/part-of': 'payments' },
    annotations: { 'prometheus.io/scrape': 'true' },
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [gateway]',
        since: minutesAgo(40),
        level: 'crit',
      },
      { type: 'PodScheduled', status: 'True', reason: '', message: '', since: minutesAgo(41), level: 'ok' },
    ],
    containers: [
      {
        name: 'gateway',
        image: 'registry.example.com/gateway:v2.41.0',
        state: 'waiting',
        reason: 'ImagePullBackOff',
        ready: false,
        restarts: 0,
      },
    ],
  }
}

export const logLines = Array.from({ length: 1500 }, (_, index) => ({
  n: index + 1,
  at: minutesAgo(1500 - index),
  level: index % 97 === 0 ? 'error' : index % 41 === 0 ? 'warn' : 'info',
  pod: null,
  text: `${minutesAgo(1500 - index)} ${index % 97 === 0 ? 'ERROR' : 'INFO'} request ${index} path=/v1/pay/${index % 13} status=${index % 97 === 0 ? 502 : 200} ms=${(index * 37) % 900}`,
}))
