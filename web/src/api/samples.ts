/** Builders of API shapes for tests: a whole, valid value with only what the test is about said. */
import type { Column, ColumnType, Kind, Problem, QueryChip, Row } from './types'

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
    remedy: { text: '', command: null },
    missing: [],
    chain: [],
    ...more,
  }
}

export function aChip(field: string, op: string, value: unknown, text: string): QueryChip {
  return { field, op, value, text, note: '' }
}
