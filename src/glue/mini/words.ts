/**
 * The words of MiniGLUE as tables. One row is one concept; forms are separated by spaces, synonyms by commas.
 * `-` stands for nothing. Concepts are named by the first form of their first word.
 */

/** kind · hypernym · domain · singular and plural */
export const NOUNS = `
person -       both person people
person person  both child children, kid kids
person child   both boy boys
person child   both girl girls
person person  both worker workers
person worker  both teacher teachers
person worker  both doctor doctors, physician physicians
person worker  farm farmer farmers
person worker  farm baker bakers
person worker  town sailor sailors, seaman seamen
person worker  town pilot pilots
animal -       both animal animals
animal animal  farm dog dogs, hound hounds
animal animal  both cat cats
animal animal  farm cow cows
animal animal  town bear bears
animal animal  town rabbit rabbits, bunny bunnies
animal animal  both bird birds
animal bird    farm duck ducks
animal bird    town gull gulls
thing  -       both vehicle vehicles
thing  vehicle both bike bikes, bicycle bicycles
thing  vehicle farm cart carts
thing  vehicle town taxi taxis, cab cabs
thing  -       both tool tools
thing  tool    both hammer hammers
thing  tool    farm shovel shovels, spade spades
thing  tool    town ladder ladders
thing  -       both snack snacks
thing  snack   both cookie cookies, biscuit biscuits
thing  snack   farm apple apples
thing  snack   town lemon lemons`;

/** preposition · domain · noun */
export const PLACES = `
in both house, home
in both park
in farm garden, yard
at farm barn
on town street, road
on town beach, shore`;

/** subject · object · hypernym · antonym · base, third person and participle */
export const TRANSITIVE_VERBS = `
animate animate -     -      chase chases chased, pursue pursues pursued
animate animate -     avoid  follow follows followed
animate animate -     -      avoid avoids avoided
animate any     -     -      watch watches watched, observe observes observed
animate animate -     hinder help helps helped, assist assists assisted
animate animate -     -      hinder hinders hindered
animate any     -     hate   like likes liked
animate any     like  -      love loves loved, adore adores adored
animate any     -     -      hate hates hated, despise despises despised
person  thing   -     sell   buy buys bought, purchase purchases purchased
person  thing   -     -      sell sells sold
person  thing   -     break  fix fixes fixed, repair repairs repaired
person  thing   -     -      break breaks broken
person  thing   move  pull   push pushes pushed
person  thing   move  -      pull pulls pulled
person  thing   -     -      move moves moved`;

/** subject · hypernym · antonym · base and third person */
export const INTRANSITIVE_VERBS = `
animate -       wake sleep sleeps, nap naps
animate -       -    wake wakes
animate -       wait travel travels
animate travel  -    run runs
animate travel  -    walk walks, stroll strolls
animate -       -    wait waits
person  -       cry  laugh laughs, giggle giggles
person  -       -    cry cries`;

/** dimension · what it is said of · hypernym · words; two words of a dimension exclude each other unless one is the other's hypernym */
export const ADJECTIVES = `
size    any     -     big, large
size    any     big   huge
size    any     -     small, little
size    any     small tiny
age     any     -     old
age     animate -     young
age     thing   -     new
mood    animate -     happy, glad
mood    animate -     sad
colour  thing   -     red
colour  thing   -     green
power   animate -     strong
power   animate -     weak`;

/** dimension · words, standing before the verb or at the end */
export const ADVERBS = `
speed quickly, rapidly
speed slowly
noise quietly, silently
noise loudly`;

export const NAMES = "alice bob emma henry";

/** How a review praises (`+`) and blames (`-`). */
export const OPINIONS = {
  "+": {
    adjective: "good great funny charming clever brilliant fresh",
    noun: "treat delight",
    verb: "enjoy love like",
  },
  "-": {
    adjective: "bad awful boring dull silly clumsy stale",
    noun: "mess waste",
    verb: "hate regret",
  },
} as const;
/** What it speaks of. */
export const REVIEWED = "film plot story cast script comedy";
export const DEGREES = "very really truly";

/** The words that hold sentences together. */
export const FUNCTION_WORDS =
  "the this these a an every each all some no two three many and but because while although " +
  "that who what where why how is are does do not never hardly by in on at near beside behind for to " +
  "can i you should it best way place reason there , ?";
