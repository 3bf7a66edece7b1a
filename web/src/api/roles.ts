import { useQuery } from '@tanstack/react-query'
import { meQuery } from './queries'

/** Whether the signed-in role may start and change things. Only hides what the server would refuse. */
export function useMayWrite(): boolean {
  const role = useQuery(meQuery()).data?.role
  return role === 'admin' || role === 'operator'
}

/** Whether the signed-in role may look at the model providers, their use and the budgets. */
export function useMaySeeModels(): boolean {
  const role = useQuery(meQuery()).data?.role
  return role === 'admin' || role === 'auditor'
}

/** Whether the signed-in role may change settings of the installation. */
export function useMayAdminister(): boolean {
  return useQuery(meQuery()).data?.role === 'admin'
}
