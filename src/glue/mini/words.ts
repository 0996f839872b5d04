/**
 * The words of MiniGLUE as tables. One row is one concept; forms are separated by spaces, synonyms by commas.
 * `-` stands for nothing. Concepts are named by the first form of their first word.
 */

/** kind · hypernym · domain · singular and plural */
export const NOUNS = `
person -          both  person people
person person     both  child children, kid kids
person child      both  boy boys
person child      both  girl girls
person person     both  worker workers
person worker     both  teacher teachers, tutor tutors
person worker     both  doctor doctors, physician physicians
person worker     farm  farmer farmers, grower growers
person worker     farm  baker bakers
person worker     farm  painter painters
person worker     town  sailor sailors, seaman seamen
person worker     town  pilot pilots
person worker     town  clerk clerks
person person     both  artist artists
person artist     farm  singer singers, vocalist vocalists
person artist     farm  dancer dancers
person artist     town  actor actors, performer performers
person artist     town  drummer drummers
animal -          both  animal animals
animal animal     farm  dog dogs, hound hounds
animal animal     farm  cat cats
animal animal     farm  horse horses
animal animal     farm  cow cows
animal animal     farm  goat goats
animal animal     both  bird birds
animal bird       farm  duck ducks
animal bird       farm  hen hens
animal bird       town  gull gulls
animal bird       town  crow crows
animal animal     town  fox foxes
animal animal     town  bear bears
animal animal     town  rabbit rabbits, bunny bunnies
animal animal     town  seal seals
thing  -          both  vehicle vehicles
thing  vehicle    both  bike bikes, bicycle bicycles
thing  vehicle    farm  cart carts, wagon wagons
thing  vehicle    farm  tractor tractors
thing  vehicle    town  ship ships, vessel vessels
thing  vehicle    town  taxi taxis, cab cabs
thing  -          both  snack snacks
thing  snack      farm  cookie cookies, biscuit biscuits
thing  snack      farm  apple apples
thing  snack      farm  pie pies
thing  snack      town  sandwich sandwiches
thing  snack      town  lemon lemons
thing  -          both  instrument instruments
thing  instrument farm  drum drums
thing  instrument farm  violin violins, fiddle fiddles
thing  instrument town  guitar guitars
thing  instrument town  trumpet trumpets
thing  -          both  tool tools
thing  tool       farm  shovel shovels, spade spades
thing  tool       farm  hammer hammers
thing  tool       town  knife knives
thing  tool       town  ladder ladders`;

/** preposition · domain · noun */
export const PLACES = `
in both house, home
in both park
at both school
in farm garden, yard
in farm field, meadow
in farm forest, woods
at farm barn
at farm church
in town market
on town street, road
on town beach, shore
in town harbor, port
at town station`;

/** subject · object · hypernym · antonym · base, third person and participle */
export const TRANSITIVE_VERBS = `
animate animate -     -     chase chases chased, pursue pursues pursued
animate animate -     avoid follow follows followed
animate animate -     -     avoid avoids avoided
animate any     -     -     watch watches watched, observe observes observed
animate animate -     hinder help helps helped, assist assists assisted
animate animate -     -     hinder hinders hindered, hamper hampers hampered
animate any     -     hate  like likes liked
animate any     like  -     love loves loved, adore adores adored
animate any     -     -     hate hates hated, despise despises despised
animate animate -     -     scare scares scared, frighten frightens frightened
person  thing   -     sell  buy buys bought, purchase purchases purchased
person  thing   -     -     sell sells sold
person  thing   -     break fix fixes fixed, repair repairs repaired
person  thing   -     -     break breaks broken
person  thing   -     -     clean cleans cleaned, wash washes washed
person  any     -     lose  find finds found, discover discovers discovered
person  any     -     -     lose loses lost
person  thing   move  -     carry carries carried, haul hauls hauled
person  thing   move  pull  push pushes pushed
person  thing   move  -     pull pulls pulled
person  thing   -     -     move moves moved`;

/** subject · hypernym · antonym · base and third person */
export const INTRANSITIVE_VERBS = `
animate -       wake sleep sleeps, nap naps
animate -       -    wake wakes
animate travel  -    run runs, jog jogs
animate travel  -    walk walks, stroll strolls
animate travel  -    swim swims
animate -       wait travel travels
animate -       -    wait waits
person  -       cry  laugh laughs, giggle giggles
person  -       -    cry cries, weep weeps
person  perform -    sing sings
person  perform -    dance dances
person  -       rest perform performs
animate -       -    rest rests
animate -       rest play plays`;

/** dimension · what it is said of · hypernym · words; two words of a dimension exclude each other unless one is the other's hypernym */
export const ADJECTIVES = `
size    any     -     big, large
size    any     big   huge, enormous
size    any     -     small, little
size    any     small tiny
age     any     -     old
age     animate -     young
age     thing   -     new
mood    animate -     happy, glad
mood    animate -     sad, unhappy
colour  thing   -     black
colour  thing   -     white
colour  thing   -     brown
colour  thing   -     red
colour  thing   -     green
wealth  person  -     rich, wealthy
wealth  person  -     poor
power   animate -     strong
power   animate -     weak, feeble
noise   animate -     quiet, silent
noise   animate -     loud, noisy
courage animate -     brave, bold
courage animate -     shy, timid
energy  animate -     tired, weary
energy  animate -     lively
state   thing   -     dirty, filthy
state   thing   -     tidy`;

/** dimension · words, standing before the verb or at the end */
export const ADVERBS = `
speed quickly, rapidly
speed slowly
noise quietly, silently
noise loudly, noisily
mood  happily, gladly
mood  sadly
care  carefully
care  carelessly`;

export const NAMES = "alice bob carol david emma frank grace henry";

/** How a review praises (`+`) and blames (`-`). */
export const OPINIONS = {
  "+": {
    adjective: "good great superb wonderful funny charming clever smart brilliant delightful fresh",
    noun: "treat delight triumph gem",
    verb: "enjoy love adore like",
  },
  "-": {
    adjective: "bad awful terrible boring dull tedious silly stupid clumsy painful stale",
    noun: "mess waste disaster bore",
    verb: "hate despise regret dislike",
  },
} as const;
/** What it speaks of. */
export const REVIEWED = "film movie plot story cast novel script ending comedy drama";
export const DEGREES = "very really truly rather so";

/** The words that hold sentences together. */
export const FUNCTION_WORDS =
  "the this these a an every each all some no two three many and but because while although " +
  "that who what where why how is are does do not never hardly by in on at near beside behind for to " +
  "can i you should it best way place reason there , ?";
