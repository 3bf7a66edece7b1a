/** Builders of API shapes for tests: a whole, valid value with only what the test is about said. */
import type {
  Change,
  ChangeCheck,
  Column,
  ColumnType,
  Hypothesis,
  Investigation,
  InvestigationStep,
  Kind,
  Me,
  Problem,
  QueryChip,
  Row,
} from './types'

export function aColumn(key: string, type: ColumnType): Column {
  return { key, title: key, type, hidden: false, description: '' }
}

export function aKind(kind: string, plural: string, more: Partial<Kind> = {}): Kind {
  return {
    kind,
    plural,
    group: '',
    version: 'v1',
    namespaced: true,
    title: plural,
    category: 'Workloads',
    short_names: [],
    optional: false,
    has_logs: false,
    columns: [],
    ...more,
  }
}

export function aRow(name: string, more: Partial<Row> = {}): Row {
  return {
    kind: 'Pod',
    namespace: 'shop',
    name,
    uid: name,
    created_at: '2026-11-22T09:00:00Z',
    status: { level: 'ok', word: 'Running', reason: '' },
    health: { score: 100, level: 'ok', reasons: [] },
    problem: null,
    labels: {},
    ...more,
  } as Row
}

export function aProblem(name: string, more: Partial<Problem> = {}): Problem {
  return {
    id: `f_${name}`,
    resource: { kind: 'Deployment', namespace: 'shop', name },
    mode: 'image_tag_missing',
    title: name,
    probability: 0.9,
    severity: 'warning',
    summary: '',
    evidence: [],
    since: null,
    explains: [],
    remedy: { text: '', command: null, change: null },
    missing: [],
    chain: [],
    ...more,
  }
}

export function aChip(field: string, op: string, value: unknown, text: string): QueryChip {
  return { field, op, value, text, note: '' }
}

export function aStep(n: number, more: Partial<InvestigationStep> = {}): InvestigationStep {
  return {
    n,
    kind: 'test',
    title: `Step ${n}`,
    failed: false,
    summary: '',
    tool: '',
    evidence: [],
    hypothesis: '',
    started_at: '2026-01-05T09:00:00Z',
    ended_at: '2026-01-05T09:00:01Z',
    hypotheses: [],
    error: null,
    ...more,
  }
}

export function aHypothesis(id: string, more: Partial<Hypothesis> = {}): Hypothesis {
  return {
    id,
    resource: { kind: 'Pod', namespace: 'shop', name: 'checkout-1' },
    mode: 'oom',
    title: 'Out of memory',
    status: 'proposed',
    probability: 0.5,
    severity: 'critical',
    summary: '',
    why: '',
    for: [],
    against: [],
    missing: [],
    chain: [],
    explains: [],
    since: null,
    remedy: { text: '', command: null, change: null },
    ...more,
  }
}

export function anInvestigation(more: Partial<Investigation> = {}): Investigation {
  return {
    id: 'iv_a',
    status: 'investigating',
    outcome: '',
    question: 'Why does checkout fail?',
    cluster: 'cl_a',
    cluster_name: 'a',
    namespace: '',
    target: null,
    template: 'general',
    creator: 'admin',
    trigger: 'person',
    message: '',
    cause: null,
    causes: 0,
    resolution: '',
    steps_done: 0,
    failed_steps: 0,
    created_at: '2026-01-05T09:00:00Z',
    updated_at: '2026-01-05T09:00:00Z',
    concluded_at: null,
    hypotheses: [],
    remedy: null,
    steps: [],
    symptoms: [],
    nearest: [],
    similar: [],
    gaps: [],
    outside_of_template: 0,
    snapshot: null,
    feedback: null,
    follow_up: null,
    links: [],
    ...more,
  }
}

const PERMISSIONS: Record<Me['role'], string[]> = {
  viewer: ['clusters:read', 'changes:read'],
  auditor: ['clusters:read', 'changes:read', 'audit:read'],
  operator: ['clusters:read', 'clusters:write', 'changes:read', 'changes:write', 'changes:approve'],
  admin: [
    'audit:read',
    'changes:approve',
    'changes:approve_high',
    'changes:read',
    'changes:write',
    'clusters:read',
    'clusters:write',
    'settings:write',
    'users:write',
  ],
}

/** Somebody signed in, with the permissions of their role that the tests are about. */
export function aPerson(role: Me['role'], user = 'ada'): Me {
  return { user, name: user, tenant: 'local', role, permissions: PERMISSIONS[role] }
}

export function aCheck(
  name: string,
  outcome: ChangeCheck['outcome'],
  more: Partial<ChangeCheck> = {},
): ChangeCheck {
  return { name, outcome, text: name, remedy: '', overridable: false, details: {}, ...more }
}

export function aChange(more: Partial<Change> = {}): Change {
  return {
    id: 'ch_a',
    cluster: 'cl_a',
    action: 'scale',
    summary: 'Scale Deployment shop/checkout from 2 to 3',
    status: 'pending',
    created_at: '2026-01-05T09:00:00Z',
    created_by: 'ada',
    expires_at: '2026-01-06T09:00:00Z',
    updated_at: '2026-01-05T09:00:00Z',
    target: { kind: 'Deployment', namespace: 'shop', name: 'checkout', uid: 'u1' },
    verdict: 'safe',
    level: 'low',
    reason: '',
    channel: 'api',
    playbook: '',
    undo_of: '',
    undone_by: '',
    note: '',
    arguments: { kind: 'Deployment', namespace: 'shop', name: 'checkout', replicas: 3 },
    evidence: [],
    overrides: [],
    symptom: '',
    digest: 'd1',
    operations: [],
    targets: [],
    preview: {
      as_of: '2026-01-05T09:00:00Z',
      verdict: 'safe',
      checks: [],
      diffs: [],
      blast: {
        level: 'low',
        reasons: [],
        hits: [],
        omitted: 0,
        entry_points: [],
        data: [],
        pods: 0,
        unavailable_at_once: 0,
      },
      undo: { possible: true, how: '', losses: [] },
      cost: null,
      production: false,
      production_why: '',
      gaps: [],
    },
    decision: {
      allowed: true,
      requirement: { method: 'simple', phrase: '', second_person: false, admin: false, reasons: [] },
      violations: [],
    },
    approvals: [],
    execution: null,
    verification: null,
    closed_by: '',
    ...more,
  }
}
