import { useQuery } from '@tanstack/react-query'
import { meQuery } from './queries'

/** What the signed-in person may do, by the API's own list. Only hides what the server would refuse. */
export function useMay(permission: string): boolean {
  return useQuery(meQuery()).data?.permissions.includes(permission) ?? false
}

/** Whether the signed-in role may start and change things. */
export function useMayWrite(): boolean {
  return useMay('clusters:write')
}
