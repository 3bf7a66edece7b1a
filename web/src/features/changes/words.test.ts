import { expect, test } from 'vitest'
import { aChange, aCheck, aPerson } from '../../api/samples'
import {
  costWords,
  fieldPath,
  fieldValue,
  mayCancel,
  mayUndo,
  overridable,
  whyNotApprove,
  withoutDiff,
  worstFirst,
  type Decidable,
} from './words'

const asked = (more: Partial<Decidable['requirement']> = {}, rest: Partial<Decidable> = {}): Decidable => ({
  created_by: 'ada',
  status: 'pending',
  requirement: { method: 'simple', phrase: '', second_person: false, admin: false, reasons: [], ...more },
  approvers: [],
  ...rest,
})

test('who may approve what', () => {
  expect(whyNotApprove(asked(), aPerson('operator'))).toBe('')
  expect(whyNotApprove(asked(), aPerson('viewer'))).toContain('viewer')
  expect(whyNotApprove(asked({ method: 'typed' }), aPerson('operator'))).toContain('administrator')
  expect(whyNotApprove(asked({ admin: true }), aPerson('operator'))).toContain('administrator')
  expect(whyNotApprove(asked({ method: 'typed' }), aPerson('admin'))).toBe('')
})

test('a second person is another one than who asked, and nobody says yes twice', () => {
  expect(whyNotApprove(asked({ second_person: true }), aPerson('admin', 'ada'))).toContain(
    'asked for it yourself',
  )
  expect(whyNotApprove(asked({ second_person: true }), aPerson('admin', 'bob'))).toBe('')
  expect(whyNotApprove(asked({}, { approvers: ['bob'] }), aPerson('admin', 'bob'))).toContain('have approved')
})

test('a request is taken back by who made it, or by who may approve', () => {
  const one = aChange({ created_by: 'ada' })
  expect(mayCancel(one, aPerson('operator', 'bob'))).toBe(true)
  expect(mayCancel(one, aPerson('viewer', 'ada'))).toBe(false)
  expect(mayCancel({ ...one, status: 'executing' }, aPerson('admin', 'ada'))).toBe(false)
})

test('only what was done, and can be put back, is undone, and once', () => {
  const execution = { started_at: '', finished_at: null, error: '', operations: [] }
  const done = aChange({ status: 'succeeded', execution })
  const me = aPerson('operator')
  expect(mayUndo(done, me)).toBe(true)
  expect(mayUndo(done, aPerson('viewer'))).toBe(false)
  expect(mayUndo({ ...done, undone_by: 'ch_b' }, me)).toBe(false)
  expect(mayUndo({ ...done, execution: null }, me)).toBe(false)
  const lost = { ...done.preview, undo: { possible: false, how: '', losses: ['The data is gone.'] } }
  expect(mayUndo({ ...done, preview: lost }, me)).toBe(false)
})

test('what speaks against a change comes first', () => {
  const checks = [aCheck('a', 'ok'), aCheck('b', 'warn'), aCheck('c', 'block'), aCheck('d', 'unknown')]
  expect(worstFirst(checks).map(({ name }) => name)).toEqual(['c', 'd', 'b', 'a'])
})

test('an objection may be accepted only where nothing else stands against the change', () => {
  const soft = aCheck('quota', 'block', { overridable: true })
  const hard = aCheck('server_dry_run', 'block')
  const refused = (checks: (typeof soft)[], rules: string[]) => {
    const one = aChange({ status: 'refused' })
    return {
      ...one,
      preview: { ...one.preview, checks },
      decision: { ...one.decision, violations: rules.map((rule) => ({ rule, text: '', remedy: '' })) },
    }
  }
  expect(overridable(refused([soft], ['check:quota']))).toEqual(['quota'])
  expect(overridable(refused([soft, hard], ['check:quota', 'check:server_dry_run']))).toEqual([])
  expect(overridable(refused([soft], ['check:quota', 'no_secrets']))).toEqual([])
  expect(overridable(refused([], ['no_secrets']))).toEqual([])
})

test('fields are written as people write paths', () => {
  expect(fieldPath('/spec/template/spec/containers/0/image')).toBe('spec.template.spec.containers[0].image')
  expect(fieldPath('/metadata/annotations/a.b~1c~0d')).toBe('metadata.annotations["a.b/c~d"]')
})

test('an absent field is not an empty one', () => {
  expect(fieldValue(null)).toBeNull()
  expect(fieldValue('')).toBe('""')
  expect(fieldValue(0)).toBe('0')
  expect(fieldValue(false)).toBe('false')
  expect(fieldValue({ a: 1 })).toContain('"a": 1')
})

test('a cost is a difference with its sign; an unknown price is no zero', () => {
  const cost = { cpu_cores: 0.2, memory_gib: -0.25, usd_per_month: null, note: '' }
  expect(costWords(cost)).toBe('+0.2 cores, −0.25 GiB')
  expect(costWords({ ...cost, usd_per_month: 4.2 })).toContain('+4.2 USD a month')
  expect(costWords({ cpu_cores: -0, memory_gib: 0, usd_per_month: null, note: '' })).toBe('No difference')
  expect(costWords(null)).toBeNull()
})

test('what is done to an object without a comparison of fields is not left out', () => {
  const operation = (verb: string, kind: string, namespace: string, name: string) => ({
    verb,
    kind,
    namespace,
    name,
    patch_type: '',
    body: null,
  })
  const one = aChange({
    operations: [operation('patch', 'Node', '', 'n1'), operation('evict', 'Pod', 'shop', 'cart-1')],
  })
  const diff = { kind: 'Node', namespace: '', name: 'n1', how: 'changed', changes: [], omitted: 0 }
  const drain = { ...one, preview: { ...one.preview, diffs: [diff] } }
  expect(withoutDiff(drain).map(({ name }) => name)).toEqual(['cart-1'])
})
