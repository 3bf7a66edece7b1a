import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { aChange, aPerson } from '../../api/samples'
import type { Change } from '../../api/types'
import { DecisionCard } from './DecisionCard'

vi.mock('@tanstack/react-router', () => ({ useNavigate: () => vi.fn() }))

afterEach(() => vi.unstubAllGlobals())

function shown(change: Change, role: Parameters<typeof aPerson>[0], user = 'bob') {
  const sent: [string, unknown][] = []
  vi.stubGlobal('fetch', (address: RequestInfo | URL, init?: RequestInit) => {
    if (init?.method === 'POST') {
      sent.push([String(address), JSON.parse(String(init.body))])
      return Promise.resolve(Response.json({ ...change, status: 'approved' }))
    }
    return Promise.resolve(Response.json({ items: [], next: null, total: 0, gaps: [] }))
  })
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <DecisionCard change={change} me={aPerson(role, user)} />
    </QueryClientProvider>,
  )
  return sent
}

const needing = (more: Partial<Change['decision']['requirement']>): Change => {
  const one = aChange()
  const requirement = { ...one.decision.requirement, ...more }
  return { ...one, decision: { ...one.decision, requirement } }
}

const names = () => screen.queryAllByRole('button').map((button) => button.textContent)

test('a viewer is told why there is no button', () => {
  shown(aChange(), 'viewer')
  expect(names()).toEqual([])
  expect(screen.getByText(/Your role \(viewer\) may not approve/)).toBeTruthy()
})

test('who asked may take it back, but is no second person', () => {
  shown(needing({ second_person: true }), 'operator', 'ada')
  expect(names()).toEqual(['Reject…', 'Take it back…'])
  expect(screen.getByText(/you asked for it yourself/)).toBeTruthy()
})

test('a typed confirmation is sent only when it is typed right', async () => {
  const sent = shown(needing({ method: 'typed', phrase: 'shop/checkout' }), 'admin')
  fireEvent.click(screen.getByRole('button', { name: 'Approve…' }))
  const yes = await screen.findByRole<HTMLButtonElement>('button', { name: 'Approve' })
  const field = screen.getByLabelText('Type shop/checkout to confirm')
  fireEvent.change(field, { target: { value: 'shop/check' } })
  expect(yes.disabled).toBe(true)
  fireEvent.submit(field.closest('form')!)
  expect(sent).toEqual([])
  fireEvent.change(field, { target: { value: 'shop/checkout' } })
  fireEvent.click(yes)
  await vi.waitFor(() =>
    expect(sent).toEqual([['/api/v1/changes/ch_a/approve', { method: 'typed', phrase: 'shop/checkout' }]]),
  )
})

test('the impact has to be read before a yes', async () => {
  const sent = shown(needing({ method: 'impact' }), 'operator')
  fireEvent.click(screen.getByRole('button', { name: 'Approve…' }))
  const yes = await screen.findByRole<HTMLButtonElement>('button', { name: 'Approve' })
  expect(yes.disabled).toBe(true)
  fireEvent.click(screen.getByLabelText('I have read what it affects'))
  fireEvent.click(yes)
  await vi.waitFor(() => expect(sent[0]?.[1]).toEqual({ method: 'impact', phrase: '' }))
})

test('a step of a playbook is not decided alone', () => {
  shown(aChange({ playbook: 'run_a' }), 'admin')
  expect(names()).toEqual([])
  expect(screen.getByText(/the whole run is approved at once/)).toBeTruthy()
})

test('what is done can be undone, what is over cannot be decided', () => {
  const execution = { started_at: '', finished_at: '', error: '', operations: [] }
  shown(aChange({ status: 'succeeded', execution }), 'operator')
  expect(names()).toEqual(['Undo'])
})
