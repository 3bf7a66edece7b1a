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

/** Whether the signed-in role may look at the model providers, their use and the budgets. */
export function useMaySeeModels(): boolean {
  return useMay('audit:read')
}

/** Whether the signed-in role may change settings of the installation. */
export function useMayAdminister(): boolean {
  return useMay('settings:write')
}
