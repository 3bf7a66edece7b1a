import { queryOptions } from '@tanstack/react-query'
import { call } from '../../api/client'
import type { Role } from '../../api/types'

/** Somebody whose sign-in link was opened on this browser. */
export interface Person {
  tenant: string
  user: string
  name: string
  role: Role
  present: boolean
}

/** Served by the local gateway beside the API; nothing that runs in AWS has it. */
const BASE = '/local/people'

export const peopleQuery = () =>
  queryOptions({
    queryKey: ['people'],
    queryFn: ({ signal }) => call<{ items: Person[] }>('GET', '', { base: BASE, signal }),
    retry: false,
  })

/** Goes on as another person of this browser, with the session that their link gave. */
export const switchTo = ({ tenant, user }: Person) =>
  call<null>('POST', '/switch', { base: BASE, body: { tenant, user } })

/** A new sign-in link of a user of one's own tenant; it works once and for some minutes. */
export const signInLink = (user: string) =>
  call<{ path: string }>('POST', '/link', { base: BASE, body: { user } })
