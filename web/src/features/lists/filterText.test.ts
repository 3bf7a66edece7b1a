import { expect, test } from 'vitest'
import { aChip } from '../../api/samples'
import { chipWords, withoutChip, withoutWord } from './filterText'

const failing = aChip('status', '=', 'failing', 'failing')
const inPayments = aChip('namespace', '=', 'payments', 'in payments')

test('removing a chip cuts its own words and leaves the rest as typed', () => {
  expect(withoutChip('failing pods in payments', inPayments, [failing, inPayments], [])).toBe('failing pods')
  expect(withoutChip('Failing  pods in payments', failing, [failing, inPayments], [])).toBe(
    'pods in payments',
  )
})

test('a preposition that loses its object goes with it', () => {
  const payments = { ...inPayments, text: 'payments' }
  expect(withoutChip('failing in payments', payments, [failing, payments], [])).toBe('failing')
})

test('a chip in other words than were typed leaves the words of the others', () => {
  const restarts = aChip('restarts', '>', 5, 'restarts > 5')
  expect(withoutChip('more than five restarts, failing', restarts, [failing, restarts], ['xyz'])).toBe(
    'failing xyz',
  )
})

test('removing the last chip leaves nothing', () => {
  expect(withoutChip('failing', failing, [failing], [])).toBe('')
})

test('a word that was not understood can be removed', () => {
  expect(withoutWord('failing blorp pods', 'blorp')).toBe('failing pods')
})

test('chips read as words', () => {
  expect(chipWords(failing)).toBe('status is failing')
  expect(chipWords(aChip('cpu_usage', '>=', 0.8, ''))).toBe('cpu usage ≥ 0.8')
  expect(chipWords(aChip('namespace', 'in', ['a', 'b'], ''))).toBe('namespace is one of a, b')
})
