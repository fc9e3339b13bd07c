/** How the reader writes times and numbers, in the reader's zone. */

export const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

const integer = new Intl.NumberFormat()
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
const time = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' })
const wholeDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

export const integerText = (value: number): string => integer.format(value)
export const percentText = (share: number): string => percent.format(share)
export const timeText = (instant: string): string => time.format(new Date(instant))
export const dayText = (instant: string): string => day.format(new Date(instant))
export const wholeDayText = (instant: string): string => wholeDay.format(new Date(instant))

/** @param ms 0 or more */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${integer.format(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
}

const PLATFORMS: Record<string, string> = {
  TIKTOK: 'TikTok',
  YOUTUBE: 'YouTube',
  LINKEDIN: 'LinkedIn',
  TWITTER: 'X (Twitter)',
  GOOGLEBUSINESS: 'Google Business',
  WHATSAPP: 'WhatsApp',
}

/** A value of an enum in words; a platform by its name. */
export function nameOf(value: string): string {
  const words = value.toLowerCase().replaceAll('_', ' ')
  return PLATFORMS[value] ?? words.charAt(0).toUpperCase() + words.slice(1)
}
