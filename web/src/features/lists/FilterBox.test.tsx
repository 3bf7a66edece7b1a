import { fireEvent, render, screen } from '@testing-library/react'
import { createRef } from 'react'
import { expect, test, vi } from 'vitest'
import type { Rows } from '../../api/types'
import { FilterBox } from './FilterBox'

const parsed = {
  text: 'failing blorp in payments',
  chips: [
    { field: 'status', op: '=', value: 'failing', text: 'failing', note: 'not ready or crashed' },
    { field: 'namespace', op: '=', value: 'payments', text: 'in payments', note: '' },
  ],
  unparsed: ['blorp'],
  notes: ['failing: not ready, or crashed'],
} satisfies Rows['query']

function shown(q: string, onChange = vi.fn<(q: string) => void>()) {
  render(<FilterBox ref={createRef()} q={q} parsed={parsed} total={30} placeholder="" onChange={onChange} />)
  return onChange
}

test('what was understood is shown as chips, and what was not is said', () => {
  shown(parsed.text)
  expect(screen.getByText('status is failing')).toBeTruthy()
  expect(screen.getByText('not understood: blorp')).toBeTruthy()
  expect(screen.getByText('failing: not ready, or crashed')).toBeTruthy()
  expect(screen.getByRole('status').textContent).toBe('30 matches')
})

test('removing a chip rewrites the filter', () => {
  const onChange = shown(parsed.text)
  fireEvent.click(screen.getByRole('button', { name: 'Remove namespace is payments' }))
  expect(onChange).toHaveBeenCalledWith('failing blorp')
})

test('typing waits for a pause, Enter does not', () => {
  vi.useFakeTimers()
  const onChange = shown('')
  const input = screen.getByRole('textbox', { name: 'Filter' })
  fireEvent.change(input, { target: { value: 'failing' } })
  expect(onChange).not.toHaveBeenCalled()
  vi.advanceTimersByTime(400)
  expect(onChange).toHaveBeenCalledWith('failing')
  fireEvent.change(input, { target: { value: 'failing pods' } })
  fireEvent.keyDown(input, { key: 'Enter' })
  expect(onChange).toHaveBeenLastCalledWith('failing pods')
  vi.useRealTimers()
})

test('no chips of an earlier filter stay when the filter is empty', () => {
  shown('')
  expect(screen.queryByText('status is failing')).toBeNull()
})
