import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { fireEvent, render, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FailureButton } from './FailureButton'
import { families, READ_AGAIN_AFTER_MS, type Fault } from './faults'

const fault = (name: string, title: string, family: string, active = false): Fault => ({
  name,
  title,
  family,
  active,
  since: active ? '2026-01-05T09:00:00Z' : null,
  symptoms: [`${title} shows`, 'its callers time out'],
})

const FAULTS = [
  fault('oom', 'Cache runs out of memory', 'resources'),
  fault('bad-tag', 'Checkout names a tag that does not exist', 'images', true),
  fault('cpu', 'No node has room', 'placing'),
]
const CLUSTERS = [
  { id: 'cl_demo', name: 'demo', version: 'v1.36.2-sim', status: 'ready' },
  { id: 'cl_real', name: 'real', version: 'v1.36.2', status: 'ready' },
]

let asked: string[]
let refuse: boolean

/** The local gateway as far as this dialog asks it: a list that changes with what is injected and healed. */
function gateway() {
  const state = FAULTS.map((one) => ({ ...one }))
  return async (address: RequestInfo | URL, init?: RequestInit) => {
    const url = String(address)
    asked.push(`${init?.method ?? 'GET'} ${url}`)
    if (url === '/api/v1/clusters') {
      return Response.json({ items: CLUSTERS })
    }
    if (url === '/local/demo/faults') {
      return Response.json({ items: state })
    }
    if (refuse) {
      const error = { code: 'demo_away', message: 'The demo cluster does not answer.', remedy: 'Try again.' }
      return Response.json({ error }, { status: 503 })
    }
    const { name } = JSON.parse(String(init?.body ?? '{}')) as { name?: string }
    const found = state.find((one) => one.name === name)
    if (found) {
      found.active = url.endsWith('inject')
    }
    return Response.json(found ?? {})
  }
}

beforeEach(() => {
  asked = []
  refuse = false
  vi.stubGlobal('fetch', gateway())
})
afterEach(() => vi.unstubAllGlobals())

function bar(cluster: string, queries = new QueryClient()) {
  return (
    <QueryClientProvider client={queries}>
      <FailureButton cluster={cluster} />
    </QueryClientProvider>
  )
}

async function opened() {
  render(bar('cl_demo'))
  fireEvent.click(await screen.findByRole('button', { name: 'Try a failure' }))
  return screen.findByRole('dialog', { name: 'Try a failure' })
}

test('a real cluster has no button to break it', async () => {
  const queries = new QueryClient()
  const { rerender } = render(bar('cl_demo', queries))
  await screen.findByRole('button', { name: 'Try a failure' })
  rerender(bar('cl_real', queries))
  expect(screen.queryByRole('button', { name: 'Try a failure' })).toBeNull()
  expect(asked).not.toContain('GET /local/demo/faults')
})

test('each failure says what will happen, and active ones come first with a button to heal them', async () => {
  const dialog = await opened()
  await within(dialog).findByText('Checkout names a tag that does not exist')
  const headings = within(dialog).getAllByRole('heading', { level: 3 })
  expect(headings.map((heading) => heading.textContent)).toEqual(['Active now', 'Placing', 'Resources'])
  expect(within(dialog).getByText('Cache runs out of memory shows; its callers time out')).toBeTruthy()
  expect(
    within(dialog).getByRole('button', { name: 'Heal: Checkout names a tag that does not exist' }),
  ).toBeTruthy()
})

test('injecting says when it will show, and the cluster is read again while it unfolds', async () => {
  const dialog = await opened()
  const inject = await within(dialog).findByRole('button', { name: 'Inject: Cache runs out of memory' })
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  fireEvent.click(inject)
  await vi.waitFor(() =>
    expect(within(dialog).getByRole('status').textContent).toBe(
      'Cache runs out of memory: injected; the cluster shows it within about 30 s.',
    ),
  )
  await vi.advanceTimersByTimeAsync(Math.max(...READ_AGAIN_AFTER_MS))
  const read = asked.filter((request) => request === 'POST /api/v1/clusters/cl_demo/refresh')
  expect(read).toHaveLength(READ_AGAIN_AFTER_MS.length)
  vi.useRealTimers()
  expect(await within(dialog).findByRole('button', { name: 'Heal: Cache runs out of memory' })).toBeTruthy()
})

test('a refusal is shown with its remedy', async () => {
  refuse = true
  const dialog = await opened()
  fireEvent.click(await within(dialog).findByRole('button', { name: 'Inject: No node has room' }))
  const alert = await within(dialog).findByRole('alert')
  expect(alert.textContent).toContain('The demo cluster does not answer.')
  expect(alert.textContent).toContain('Try again.')
})

test('the text finds failures by title, family and symptom', () => {
  expect(families(FAULTS, 'memory').flatMap(({ faults }) => faults.map(({ name }) => name))).toEqual(['oom'])
  expect(families(FAULTS, 'images TAG').flatMap(({ faults }) => faults.map(({ name }) => name))).toEqual([
    'bad-tag',
  ])
  expect(families(FAULTS, 'callers').flatMap(({ faults }) => faults)).toHaveLength(3)
  expect(families(FAULTS, 'nothing like it')).toEqual([])
})
