// TEST DOUBLE of the Kubilitics API: invented data, no engine. For looking at the pages, for the scrolling
// measurement over 10,000 rows, and for states that are hard to cause on purpose (errors, gaps, a lost socket).
// The end-to-end test runs against the real service instead.
//   node e2e/double/server.mjs [port]     serves build/web beside the double
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import * as data from './data.mjs'

const SITE = fileURLToPath(new URL('../../../build/web/', import.meta.url))
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'"

const list = (items, more = {}) => ({ items, next: null, total: items.length, gaps: [], ...more })
const clusters = [data.cluster, data.recorded]
const conversations = new Map()

class Failure extends Error {
  constructor(status, code, message, remedy) {
    super(message)
    this.status = status
    this.body = { error: { code, message, remedy, details: {} } }
  }
}

const clusterOf = (id) => {
  const found = clusters.find((cluster) => cluster.id === id)
  if (!found)
    throw new Failure(
      404,
      'unknown_cluster',
      `There is no cluster ${id}.`,
      `Valid: ${clusters.map((c) => c.id).join(', ')}.`,
    )
  return found
}

function resources(kind, query) {
  if (kind === 'Namespace')
    return rows(
      kind,
      data
        .overview(data.cluster)
        .namespaces.map(({ name }) => ({ ...data.pod(1), kind, name, namespace: '', uid: name })),
      query,
    )
  if (kind === 'Secret') return { ...rows(kind, [], query), gaps: data.overview(data.cluster).gaps }
  if (kind === 'Gateway')
    return {
      ...rows(kind, [], query),
      gaps: [
        {
          kind,
          reason: 'not_installed',
          message: 'The cluster has no gateway.networking.k8s.io API.',
          namespace: '',
        },
      ],
    }
  return rows(
    kind,
    kind === 'Pod' ? data.pods : data.pods.slice(0, 40).map((row) => ({ ...row, kind })),
    query,
  )
}

function rows(kind, all, query) {
  const q = query.get('q') ?? ''
  const failing = /failing/i.exec(q)
  const chips = failing ? [{ field: 'status', op: '=', value: 'failing', text: failing[0] }] : []
  const unparsed = q.split(/\s+/).filter((word) => word && !/^(failing|pods?)$/i.test(word))
  const namespace = query.get('namespace')
  const key = query.get('group')
  let items = all.filter(
    (row) => (!failing || row.status.level === 'crit') && (!namespace || row.namespace === namespace),
  )
  const sort = query.get('sort') ?? ''
  const field = sort.replace('-', '')
  const value = (row, name) =>
    (name === 'status'
      ? row.status.word
      : name === 'health'
        ? row.health.score
        : name === 'age'
          ? row.created_at
          : row[name]) ?? ''
  if (field)
    items = [...items].sort(
      (a, b) => (value(a, field) < value(b, field) ? -1 : 1) * (sort[0] === '-' ? -1 : 1),
    )
  if (key) items = [...items].sort((a, b) => String(value(a, key)).localeCompare(String(value(b, key))))
  const groups = key
    ? [...new Set(items.map((row) => value(row, key)))].map((name) => ({
        key: String(name),
        count: items.filter((row) => value(row, key) === name).length,
        worst: 'ok',
      }))
    : null
  const start = Number(query.get('cursor') || 0)
  const limit = Number(query.get('limit') || 100)
  const columns = data.kinds.items.find((entry) => entry.kind === kind)?.columns ?? []
  return {
    items: items.slice(start, start + limit),
    next: start + limit < items.length ? String(start + limit) : null,
    total: items.length,
    gaps: [],
    as_of: data.AS_OF,
    kind,
    columns,
    query: q ? { text: q, chips, unparsed } : null,
    groups,
  }
}

function answerFrames(conversation, turn, first) {
  const frames = [
    { t: 'status', text: 'Reading the cluster' },
    { t: 'tool', name: 'analyze_resource_health', ms: 41, summary: '7 problems in 10,231 objects' },
    {
      t: 'block',
      block: {
        type: 'text',
        text: '**3 critical and 3 warning problems.** The worst: `payments/gateway` cannot pull its image, so its rollout is stuck. [All problems](/c/cl_prod/problems)',
      },
    },
    { t: 'block', block: { type: 'problem', problem: data.problems[0] } },
    {
      t: 'block',
      block: {
        type: 'table',
        title: 'Problems',
        columns: [
          { key: 'kind', title: 'Kind', type: 'text' },
          { key: 'name', title: 'Name', type: 'text' },
          { key: 'severity', title: 'Severity', type: 'text' },
        ],
        rows: data.problems.slice(1, 5).map((p) => ({ ...p.resource, severity: p.severity })),
        total: 7,
        link: { kind: 'Pod', q: 'failing', namespace: '' },
      },
    },
    {
      t: 'block',
      block: {
        type: 'chart',
        title: 'Restarts in the last hour',
        chart: 'bar',
        unit: '',
        series: [
          {
            name: '',
            points: [
              ['shop/catalog', 41],
              ['payments/ledger', 12],
              ['data/kafka', 3],
            ],
          },
        ],
      },
    },
    {
      t: 'block',
      block: {
        type: 'chart',
        title: 'Memory of shop/catalog',
        chart: 'line',
        unit: 'bytes',
        series: [
          {
            name: 'working set',
            points: Array.from({ length: 30 }, (_, i) => [`${i}m`, i === 12 ? null : 9e7 + (i % 10) * 1.7e7]),
          },
        ],
      },
    },
    {
      t: 'block',
      block: {
        type: 'action',
        title: 'Undo the rollout',
        text: 'Returns to the image that ran before.',
        command: 'kubectl -n payments rollout undo deployment/gateway',
      },
    },
    {
      t: 'block',
      block: {
        type: 'evidence',
        items: [
          {
            id: 'ev_image_tag_missing_one',
            text: 'Container gateway waits: ImagePullBackOff',
            resource: data.problems[0].resource,
          },
        ],
      },
    },
    {
      t: 'end',
      citations: ['ev_image_tag_missing_one', 'ev_image_tag_missing_two'],
      degraded: false,
      suggestions: ['why is catalog restarting?', 'what changed in payments?'],
    },
  ]
  return frames.map((frame, index) => ({ seq: first + index, conversation, turn, ...frame }))
}

function startTurn({ message, cluster, conversation }) {
  const id = conversation ?? `cv_${conversations.size + 1}`
  const stored = conversations.get(id) ?? {
    id,
    title: message,
    cluster,
    created_at: data.AS_OF,
    updated_at: data.AS_OF,
    turns: [],
    frames: [],
  }
  const turn = `t_${stored.turns.length + 1}`
  stored.turns.push({ id: turn, message, status: 'done', cluster, created_at: data.AS_OF })
  stored.frames.push(...answerFrames(id, turn, stored.frames.length + 1))
  conversations.set(id, stored)
  return { conversation: id, turn }
}

const yaml = (kind, ns, name) =>
  `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${ns}\n  labels:\n    app: gateway\nspec:\n  containers:\n    - name: gateway\n      image: "registry.example.com/gateway:v2.41.0"\n      resources:\n        requests:\n          cpu: 250m\n          memory: 256Mi\n      ports:\n        - containerPort: 8080\n  restartPolicy: Always\n`

const ROUTES = [
  [
    'GET',
    /^\/me$/,
    () => ({
      user: 'ana',
      name: 'ana',
      tenant: 'local',
      role: 'viewer',
      permissions: ['clusters:read', 'changes:read'],
    }),
  ],
  ['GET', /^\/(changes|notices)$/, () => list([])],
  ['GET', /^\/kinds$/, () => data.kinds],
  ['GET', /^\/clusters$/, () => list(clusters)],
  [
    'POST',
    /^\/clusters$/,
    (_, __, body) => {
      if (body.source.type === 'kubeconfig' && body.source.kubeconfig.includes('exec:'))
        throw new Failure(
          400,
          'kubeconfig_exec',
          'The kubeconfig runs a plugin (exec), which is never run here.',
          'Use a token of a service account, or connect an EKS cluster by role.',
        )
      const added = {
        ...data.recorded,
        id: `cl_${clusters.length}`,
        name: body.name,
        source: body.source.type,
      }
      clusters.push(added)
      return {
        ...added,
        upload:
          body.source.type === 'recorded'
            ? { method: 'PUT', url: '/upload', headers: {}, max_bytes: 1e9 }
            : null,
      }
    },
  ],
  [
    'POST',
    /^\/clusters\/([^/]+)\/check$/,
    ([id]) => ({
      reachable: true,
      version: 'v1.36.2',
      latency_ms: 12.4,
      permissions: [
        { feature: 'Lists', missing: [] },
        { feature: 'Secrets', missing: ['list secrets'] },
      ],
      metrics: true,
      gaps: [],
      counts: {},
      message: '',
      cluster: clusterOf(id),
    }),
  ],
  ['POST', /^\/clusters\/([^/]+)\/refresh$/, ([id]) => clusterOf(id)],
  ['PATCH', /^\/clusters\/([^/]+)$/, ([id], _, body) => Object.assign(clusterOf(id), body)],
  ['DELETE', /^\/clusters\/([^/]+)$/, ([id]) => (clusters.splice(clusters.indexOf(clusterOf(id)), 1), null)],
  ['GET', /^\/clusters\/([^/]+)\/overview$/, ([id]) => data.overview(clusterOf(id))],
  [
    'GET',
    /^\/clusters\/([^/]+)\/problems$/,
    ([id]) => (clusterOf(id), list(data.problems, { outcome: 'faults', as_of: data.AS_OF })),
  ],
  ['GET', /^\/clusters\/[^/]+\/resources\/([^/]+)$/, ([kind], query) => resources(kind, query)],
  [
    'GET',
    /^\/clusters\/[^/]+\/resources\/([^/]+)\/([^/]+)\/([^/]+)$/,
    ([kind, ns, name]) => data.detail(kind, ns, name),
  ],
  [
    'GET',
    /^\/clusters\/[^/]+\/resources\/([^/]+)\/([^/]+)\/([^/]+)\/yaml$/,
    (parts) => ({ yaml: yaml(...parts), as_of: data.AS_OF }),
  ],
  [
    'GET',
    /^\/clusters\/[^/]+\/resources\/[^/]+\/[^/]+\/[^/]+\/events$/,
    () =>
      list(
        [
          {
            type: 'Warning',
            reason: 'Failed',
            message: 'Failed to pull image "registry.example.com/gateway:v2.41.0": manifest unknown',
            count: 12,
            first: data.AS_OF,
            last: data.AS_OF,
            source: 'kubelet',
            object: data.problems[0].resource,
          },
        ],
        { as_of: data.AS_OF },
      ),
  ],
  [
    'GET',
    /^\/clusters\/[^/]+\/resources\/[^/]+\/[^/]+\/[^/]+\/related$/,
    () =>
      list(
        [
          {
            relation: 'owns',
            direction: 'in',
            resource: { kind: 'ReplicaSet', namespace: 'payments', name: 'gateway-6d9f7c5b4' },
            status: { level: 'warn', word: '0/2', reason: '' },
            detail: '',
          },
          {
            relation: 'scheduled_on',
            direction: 'out',
            resource: { kind: 'Node', namespace: '', name: 'ip-10-0-1-4' },
            status: { level: 'ok', word: 'Ready', reason: '' },
            detail: '',
          },
        ],
        { as_of: data.AS_OF },
      ),
  ],
  [
    'GET',
    /^\/clusters\/[^/]+\/resources\/[^/]+\/[^/]+\/[^/]+\/logs$/,
    (_, query) => {
      const lines = data.logLines
        .filter((line) => line.text.includes(query.get('grep') ?? ''))
        .slice(-Number(query.get('tail') ?? 500))
      return {
        lines,
        container: 'gateway',
        containers: ['gateway', 'proxy'],
        previous: query.get('previous') === 'true',
        truncated: true,
        total_lines: 1500,
        gaps: [],
      }
    },
  ],
  ['GET', /^\/evidence\/([^/]+)$/, ([id]) => data.evidence(id)],
  ['GET', /^\/conversations$/, () => list([...conversations.values()].reverse())],
  ['GET', /^\/conversations\/([^/]+)$/, ([id]) => conversations.get(id) ?? fail404()],
  ['DELETE', /^\/conversations\/([^/]+)$/, ([id]) => (conversations.delete(id), null)],
  [
    'GET',
    /^\/conversations\/([^/]+)\/frames$/,
    ([id], query) => ({
      items: (conversations.get(id) ?? fail404()).frames.filter(
        (frame) => frame.seq > Number(query.get('after') ?? 0),
      ),
      done: true,
    }),
  ],
  ['POST', /^\/chat$/, (_, __, body) => startTurn(body)],
]

function fail404() {
  throw new Failure(
    404,
    'unknown_conversation',
    'There is no such conversation.',
    'It may have been removed.',
  )
}

async function handle(request, response) {
  const url = new URL(request.url, 'http://double')
  let body = ''
  for await (const chunk of request) body += url.pathname === '/upload' ? '' : chunk
  if (url.pathname === '/upload') return response.writeHead(200).end()
  if (!url.pathname.startsWith('/api/v1/')) return page(url.pathname, response)
  const path = url.pathname.slice('/api/v1'.length)
  const send = (status, value) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  try {
    for (const [method, pattern, answer] of ROUTES) {
      const match = method === request.method && pattern.exec(path)
      if (match)
        return send(
          200,
          answer(match.slice(1).map(decodeURIComponent), url.searchParams, body ? JSON.parse(body) : null),
        )
    }
    throw new Failure(
      404,
      'unknown_route',
      `There is no ${request.method} ${path}.`,
      'See the OpenAPI document.',
    )
  } catch (error) {
    send(
      error.status ?? 500,
      error.body ?? {
        error: { code: 'internal', message: String(error), remedy: 'Look at the double.', details: {} },
      },
    )
  }
}

async function page(path, response) {
  const file = normalize(join(SITE, path))
  const known = file.startsWith(SITE) && extname(file) in TYPES ? file : join(SITE, 'index.html')
  const content = await readFile(known).catch(() => readFile(join(SITE, 'index.html')))
  response
    .writeHead(200, {
      'content-type': TYPES[extname(known)] ?? 'text/html',
      'content-security-policy': POLICY,
    })
    .end(content)
}

/** Starts the double; resolves to its address and a way to stop it. */
export function start(port = 0) {
  const server = createServer((request, response) => void handle(request, response))
  const sockets = new WebSocketServer({ server, path: '/ws' })
  sockets.on('connection', (socket) =>
    socket.on('message', async (text) => {
      const message = JSON.parse(String(text))
      const say = (value) => socket.send(JSON.stringify(value))
      if (message.action === 'ping') return say({ t: 'pong' })
      const begun = message.action === 'chat' ? startTurn(message) : null
      if (begun) say({ t: 'accepted', ...begun })
      const id = begun?.conversation ?? message.conversation
      const frames =
        conversations
          .get(id)
          ?.frames.filter((frame) => (begun ? frame.turn === begun.turn : frame.seq > message.after)) ?? []
      for (const frame of frames) {
        await new Promise((resolve) => setTimeout(resolve, 60))
        say(frame)
      }
    }),
  )
  return new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}`,
        stop: () => (sockets.close(), server.closeAllConnections(), server.close()),
      }),
    ),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`test double on ${(await start(Number(process.argv[2] ?? 0))).url}`)
}
