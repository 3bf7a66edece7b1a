import { useQuery } from '@tanstack/react-query'
import { meQuery } from './queries'

/** Whether the signed-in role may start and change things. Only hides what the server would refuse. */
export function useMayWrite(): boolean {
  const role = useQuery(meQuery()).data?.role
  return role === 'admin' || role === 'operator'
}
