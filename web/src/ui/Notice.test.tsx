import { render, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { ApiError } from '../api/errors'
import { ErrorNotice, GapsNotice } from './Notice'

test('an error is shown with its message, its remedy and its code', () => {
  const error = new ApiError(404, {
    code: 'unknown_cluster',
    message: 'There is no cluster x.',
    remedy: 'Valid: a, b.',
  })
  render(<ErrorNotice error={error} />)
  const notice = screen.getByRole('alert').textContent
  expect(notice).toContain('There is no cluster x.')
  expect(notice).toContain('Valid: a, b.')
  expect(notice).toContain('unknown_cluster · HTTP 404')
})

test('an unforeseen error has a remedy too', () => {
  render(<ErrorNotice error={new Error('boom')} />)
  expect(screen.getByRole('alert').textContent).toContain('Reload the page')
})

test('gaps are summed up by reason and listed in full', () => {
  const gap = (kind: string, reason: 'forbidden' | 'timeout') => ({
    kind,
    reason,
    message: 'because',
    namespace: '',
  })
  const more = { ...gap('Secret', 'forbidden'), namespace: 'shop' }
  render(
    <GapsNotice
      gaps={[gap('Secret', 'forbidden'), gap('Node', 'timeout'), gap('Role', 'forbidden'), more]}
    />,
  )
  expect(screen.getByText(/Secret, Role not permitted; Node timed out/)).toBeTruthy()
  expect(screen.getAllByRole('listitem')).toHaveLength(4)
})

test('no gaps, no notice', () => {
  const { container } = render(<GapsNotice gaps={[]} />)
  expect(container.firstChild).toBeNull()
})
