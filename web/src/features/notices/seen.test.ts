import { expect, test } from 'vitest'
import type { ChangeNotice } from '../../api/types'
import { newest, unread } from './seen'

const notice = (id: string): ChangeNotice => ({
  id,
  at: '2026-01-05T09:00:00Z',
  severity: 'info',
  title: id,
  text: '',
  cluster: '',
  change: '',
})

const OLD = notice('20260105T090000000000-aa')
const NEW = notice('20260105T090001000000-00')

test('what came after the newest one that was seen is unread', () => {
  expect(unread([NEW, OLD], '')).toEqual([NEW, OLD])
  expect(unread([NEW, OLD], OLD.id)).toEqual([NEW])
  expect(unread([NEW, OLD], NEW.id)).toEqual([])
})

test('having seen more is never forgotten', () => {
  expect(newest([NEW, OLD], '')).toBe(NEW.id)
  expect(newest([OLD], NEW.id)).toBe(NEW.id)
  expect(newest([], NEW.id)).toBe(NEW.id)
})
