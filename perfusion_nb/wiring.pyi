"Made by .ci/stub.py: what an editor may know of `Perfusion`, which grows from notebook to notebook"
# ruff: noqa
from typing import Any
from pathlib import Path
import torch
from .concept import Concept
from .data import PictureSet
from .attention import Recording
from .train import Recipe, Batch

def __getattr__(name: str) -> Any: ...

class Perfusion:
    "Concepts in a diffusers pipeline: learn, draw, save, load"
    def __init__(self,
        pipe,             # A diffusers pipeline, or any object with such parts, see `network_of`
        beta:float=None,  # Gate's midpoint; None: the concept's, the base's, or 0.7 (paper §5)
        tau:float=None,   # Gate's temperature; None: likewise, or 0.15 (paper §5)
        lock:str='local', # "local", "global", or "global-gated"
        contexts=None,    # {context: {attention: (its keys' projection, its values')}}, as paths
        call=None,        # Function(network, z, t, *encodings) → prediction, where no pipeline is
        sample_shape=None, # Shape of one latent, if `call` is given and `contexts` are to be found
        run=None,         # More arguments of the pipeline where wiring calls it, such as num_frames
    ):
        ...
    @property
    def plain(self):
        'Does the one text encoder feed all projections directly?'
        ...
    @property
    def device(self):
        'Where the network computes (offloaded weights are nowhere)'
        ...
    @property
    def dtype(self):
        'Type in which the network computes (weights stored in eight bits are not it)'
        ...
    def rehook(self):
        'Sit before what the pipeline calls now: PEFT may have wrapped the network meanwhile'
        ...
    def check_parts(self):
        'Refuse to go on if a part was exchanged, or went around its projections'
        ...
    @property
    def beta(self):
        "beta when drawing: as the caller said, else the base's"
        ...
    @property
    def tau(self):
        "tau when drawing: as the caller said, else the base's"
        ...
    @property
    def lock(self):
        'The lock when drawing'
        ...
    def set_gate(self,
        token, # A loaded concept
        beta,  # Its midpoint
        tau,   # Its softness
    ):
        'Draw this concept with its own β and τ from now on; they stand in its record and file'
        ...
    def install(self,
        concept:Concept, # The record
    )->Installed:
        'Put a concept into the pipeline'
        ...
    def unload(self,
        token:str=None, # Which concept; all if None
    ):
        'Take concepts out of the pipeline'
        ...
    def enable(self, token=None):
        'Let concepts act (all if no token is named)'
        ...
    def disable(self, token=None):
        'Keep concepts loaded but idle: their tokens read as their superclass (all if none is named)'
        ...
    def set_strength(self,
        strengths:dict, # Token → strength: 0 the superclass, 1 as learned, more exaggerates
    ):
        'How strongly concepts differ from their superclass'
        ...
    def remove(self):
        'Take everything out: the pipeline is bit for bit what it was; a second time is quiet'
        ...
    def record(self, token)->Concept:
        'The record of a loaded concept, as it is now'
        ...
    def save(self,
        path,            # File to write (safetensors)
        token:str=None,  # Which concept; all that are loaded if None
    )->Path:
        'Write concepts to a file: under 40 KB each for SD 1.5'
        ...
    def load(self,
        path,            # A concept file, a folder that holds one, "user/concept" on the hub; or a list
        token:str=None,  # Another token for the one concept of the file; None: its own
    )->list:             # Tokens that were loaded
        'Load the concepts of files into the pipeline, all of them or none'
        ...
    def base_fingerprint(self)->dict:
        "Norms of the weights that a concept depends on: the text encoders' and the value projections'"
        ...
    def predict(self,
        z,       # Noised latents (b, c, …)
        t,       # Timesteps (b,)
        prompts, # b prompts
    ):           # The network's answer, like z
        'What the network makes of latents under prompts, with gradient to learned rows and values'
        ...
    def read_contexts(self,
        prompts, # A list of prompts
    )->dict:     # Context → namespace: e (b,n,d), ids (b,n), encoder (whose ids they are)
        'What the network reads for these prompts'
        ...
    def edit_of(self,
        prompts, # A prompt or a list
        ctx='text', # Context
    ):           # Namespace: e, keys, values (b,n,d), gates (b,n,J), on (b,J), tokens of the slots
        'The edit that these prompts would get in a call now'
        ...
    def superclass_prompt(self,
        prompt:str, # With a loaded concept's token
    )->str:
        'The same prompt with the superclass in the place of each concept'
        ...
    def maps(self,
        prompt,     # With a loaded concept's token; or a list of such
        seed:int=0, # Of the noise, the same for both pictures
        bins=8,     # As for `record_attention`
        beta=None, tau=None, lock=None, # As for `draw`; those that hold at the moment if None
        **kwargs,   # Anything the pipeline takes
    )->Recording:   # Two pictures: the prompt, and the same with the superclass; it shows itself
        'Where each word of a prompt looks, beside the same prompt with the superclass'
        ...
    def gates(self,
        prompt:str, # Any prompt
    ): # Namespace: tokens (J), names of words (k), gate (J, k), ratio (J, k): largest in each word
        'How far the gate of each concept opens at each word of a prompt, as the network is fed'
        ...
    def show_gates(self,
        prompts, # One prompt or a list
    ): # matplotlib figure
        'Each word of a prompt coloured by the gate of each concept, from 0 (white) to 1'
        ...
    def noisy_shape(self):
        'Shape of one sample as the network is given it; None if its pipeline wants more than a prompt'
        ...
    def picture_size(self,
        photos=None, # What is to be cut; the size of `Pictures` that are cut already is kept
    )->int:          # Pixels
        'Side of the pictures that this base draws'
        ...
    def check_latents(self,
        bank, # `PictureSet`
    ):
        'Refuse latents that this network cannot be given; those of another shape are tried once'
        ...
    def preview(self,
        photos,        # As `load_pictures` takes them
        masks=None,    # As `learn` takes them, "clipseg" apart
        crop='centre', # "centre", "mask" or "pad"
        **kwargs,      # Of `show_grid`
    ): # Figure
        'What would be learned from photos: the squares, with the masks laid over in red'
        ...
    def context_covariances(self,
        captions=None,        # Texts to count; composed ones if None
        policy='non_padding', # Which tokens are counted, see notebook 02
        batch_size=16,
        progress=True,
    )->dict:                  # Context → `Covariance`
        'Measure the second moment of what each context holds, as the network reads it'
        ...
    def find_covariances(self,
        covariance=None, # One for all, or {context: `Covariance`}; None: what belongs to this base
        progress=True,   # Show a bar while estimating?
    )->dict:             # Context → `Covariance`
        'What was given, or what belongs to this base, for each context'
        ...
    def superclass_encodings(self,
        superclass,   # A word (or words) of the base model's
        placeholders, # Of the new word, by text encoder
    ):                # Context → (d,), float32
        "e_super of each context, from the new word while it is its superclass's (Eq. 2 of notebook 06)"
        ...
    def begin(self,
        token:str,      # For example "<toy>"
        superclass:str, # A word (or words) of the base model's
        covariance=None, # Of the text encoder, or {context: `Covariance`}; found or estimated if None
        progress=True,
    )->Installed:
        'Install an untrained concept: everything at its superclass'
        ...
    def training_batch(self,
        bank:PictureSet, # Encoded pictures, perhaps with words of their own
        token:str,
        seed:int, step:int, # Name the chance
        ks,              # Numbers of the samples
    ):                   # See notebook 12
        'The samples of a step, with words of their own, and with a mask where the network reads one'
        ...
    def encode(self, prompts):
        'Encodings of prompts, with gradient to learned rows'
        ...
    def teaching(self,
        c, # A concept that has begun
    ):
        'Within, in this thread: this concept alone acts, with the gate of learning; i* takes notes'
        ...
    def denoising_loss(self,
        token,          # A concept that is being learned
        batch,          # Of `training_batch`
        keep_outside=0., # κ, 0 or more; above 0 the batch needs masks
    ):                  # Scalar
        "Loss of the concept's prompts on a batch (Eq. 1; with `keep_outside`, our choice, Eq. 2)"
        ...
    def recipe(self,
        bank=None, # `PictureSet`; if it has masks, what the base says under `masked` counts, too
        **given,   # What is said otherwise; None: nothing
    )->Recipe:
        "A recipe with this base's defaults where nothing else is said"
        ...
    def gate_table(self,
        token:str,    # A loaded concept
        prompts=None, # Prompts with {} where the token goes
    )->dict:          # Lists of r: concept, words, padding, empty
        'How much of the concept each kind of position holds, on held-out prompts'
        ...
    def check_gate(self, token):
        "Log the gate's table, warn when the gate does not open"
        ...
    def learn(self,
        photos,               # Folder, paths or PIL pictures (3 to 7 are usual), or a `PictureSet`
        token:str='<toy>',    # The new word
        superclass:str='toy', # What kind of thing it is, in the base model's words
        crop:str='centre',    # How pictures become square: "centre", "mask" (around the thing), "pad"
        masks=None, # Folder, list, function, "alpha", "clipseg"; None: those found beside; False: none
        keep_outside:float=None, # κ of Eq. 2, with masks (our choice; the base's default, 0 for SD 1.5)
        keep_length:bool=False, # Only the row's direction is learned (Eq. 3; not the paper's)
        flip:bool=True,       # Also learn from mirrored pictures (off for things with writing)
        steps:int=None,       # Optimizer steps; the base's default (400 for SD 1.5) if None
        batch_size:int=None,  # Samples per step (16)
        micro_batch:int=None, # Samples at once; fewer need less memory, the result is the same
        lr_value:float=None,  # Rate of o*_V (0.03 for SD 1.5)
        lr_embedding:float=None, # Rate of the embedding row (0.006 for SD 1.5)
        seed:int=0,           # All chance follows from it
        covariance=None,      # Of the text encoder; found or estimated if None
        checkpoint=None,      # Folder: a checkpoint every `every` steps, and resume from it
        every:int=25,         # Steps between checkpoints, and between scores (paper: 25)
        select=None,  # "best" or a function (perf, token) → number: keep the best step (notebook 14c)
        preview=None,         # Called as preview(step, perf) every `preview_every` steps
        preview_every:int=100,
        mixed_precision:str='no', # "no", "fp16" or "bf16" (accelerate)
        gradient_checkpointing:bool=False, # Activations twice instead of kept: slower, less memory
        low_memory:bool=False, # Least memory: one sample at a time, with gradient checkpointing
        progress:bool=True,   # Bar with loss and time left
        callbacks=(),         # `LearningCallback`s of yours
    )->Concept:               # The record; it stays loaded under its token
        'Learn a concept from pictures'
        ...
    def own_words(self,
        photos,          # Folder, paths or PIL pictures of the thing
        token:str,       # For example "<toy>", as for `learn`
        superclass:str,  # For example "teddy bear", as for `learn`
        captions=None,   # See `captions_of`; None: no captions
        templates=None,  # Prompts with {}, for all pictures, in place of captions; None: the nine
        masks=None,      # As for `learn`
        flip:bool=True,  # Also learn from mirrored pictures
    )->PictureSet:       # For `learn`, in place of photos
        'Pictures with prompts of your own'
        ...
    @property
    def paints_in(self):
        'Does the network read a mask and a hidden picture beside the latents?'
        ...
    def using(self,
        beta=None,  # Gate's midpoint, a number or {token: number}
        tau=None,   # Gate's temperature, likewise
        lock=None,  # "local", "global" or "global-gated"
        super_embeds=None, # Global lock with `prompt_embeds=`: encodings (b, n, d) of the superclass
                           # prompts, one for each conditional row
        active=None, # Tokens that act where the prompt is unknown (`prompt_embeds=` made elsewhere),
                     # or {token: [True or False for each row]}
    ):
        'Within, in this thread: these settings; afterwards those of before'
        ...
    def draw(self,
        prompt,           # A prompt, or a list of prompts; None with prompt_embeds=
        n:int=1,          # Pictures of each prompt
        seed:int=0,       # Of the first picture; the next ones count on
        beta=None,        # Gate's midpoint, 0.4 to 0.75; a number or {token: number}
        tau=None,         # Gate's temperature, 0.1 to 0.2
        lock:str=None,    # "local", "global" or "global-gated"
        steps:int=None,   # Denoising steps; the base's default if None
        guidance_scale:float=None, # Classifier-free guidance; the base's default if None
        active=None,      # Tokens that act where prompt_embeds= were made elsewhere
        weights:bool=False, # Prompts with weights, (word:1.3), or long ones (notebook 13c; compel)
        **kwargs,         # Anything else the pipeline takes (negative_prompt, image, strength, width …)
    )->list:              # PIL pictures, prompt by prompt
        'Draw pictures'
        ...
    def save_pretrained(self,
        folder,           # To write: concept.safetensors, README.md, pictures/
        token:str=None,   # Which concept; all that are loaded if None
        pictures=None,    # {prompt: picture}, or pictures or paths; none if []; four are drawn if None
        licence:str=None, # Of the concept, such as "cc-by-4.0"
        author:str=None,  # Who made it
        base:str=None,    # The base model's name on the hub, if it was loaded under another
        repo_id:str=None, # "user/concept", if it will be pushed there
    )->Path:              # The folder
        'Write concepts with their card, whole or not at all'
        ...
    def push_to_hub(self,
        repo_id:str,      # "user/concept"; made if it is not there
        token:str=None,   # Which concept; all that are loaded if None
        private:bool=None, # Seen by you alone? For a new repository; your account's default if None
        pictures=None, licence:str=None, author:str=None, base:str=None, # As for `save_pretrained`
        commit_message:str=None, # What the history says
        hub_token:str=None, # Access token; the one of `hf auth login` or HF_TOKEN if None
    )->str:               # Address of the repository
        'Push concepts with their card to the Hugging Face hub'
        ...
    def projection(self,
        path, # Of a key or value projection, as `perf.contexts` names it
    ):        # Its linear layer, without the LoRA that may be around it
        'A projection of the network'
        ...
    def base_weight(self,
        path, # Of a key or value projection
    ):        # (d_out, d), as it was before `fuse`
        "A projection's matrix in the base model"
        ...
    def static_edits(self,
        token, # A loaded concept
    )->dict:   # {path: (Λ, u)}
        "A loaded concept's edit without its gate (Eq. 1)"
        ...
    def fuse(self,
        token,    # A loaded concept
        scale=1., # Of the edit, 0 to 2; about 0.7 is near the gated edit (Eq. 2)
    ):
        "Write a concept's static edit into the weights, in place of its gated edit; its word stays"
        ...
    def unfuse(self):
        'Take all static edits out of the weights, bit for bit; concepts are gated again'
        ...
    def fused(self,
        token,    # A loaded concept
        scale=1., # See `fuse`
    ):
        'Within: one concept without its gate; afterwards as before'
        ...
    def choose_weight(self,
        token,   # A loaded concept
        score,   # Function of (pictures, what each was asked in the base's words) to a number
        weights=WEIGHTS, # Scales to try, each 0 to 2
        prompts=HELD_OUT_PROMPTS, # With {} where the token goes
        seed=500, # Of the pictures
        **how,   # Of `draw`
    )->dict:     # {scale: score}; the best is noted as the concept's `weight`
        'Choose the weight at which a concept without its gate is drawn best'
        ...
    def word_rows(self,
        token, # A loaded concept
    ):         # (n, d') float32, a row for each token of its superclass
        'What a program that knows no Perfusion puts in the place of the word'
        ...
    def export(self,
        path,            # File of the LoRA ("cat.safetensors"), or a folder: named by the tokens then
        token:str=None,  # Which concept; all that are loaded if None, each in files of its own
        format:str='lora', # "lora": two files for all; "bundled": one, for A1111, SD.Next, OneTrainer
        dtype=torch.float16, # Of the LoRA: torch.float16 or torch.float32
        weight:float=None, # Recommended, 0 to 2; None: `choose_weight`'s, else 0.7 (our choice, Eq. 2)
        preview=True,    # A picture for viewers; True: one is drawn at that weight; False: none
        whole:bool=False, # Put the entire concept along: it comes back to the bit, half as large again
    )->list:             # Paths of the files
        'Write concepts as files that other programs read: a LoRA of rank one and an embedding'
        ...
    def import_concept(self,
        path,            # A LoRA that `export` wrote, bundled or not, or perfusion-pytorch's file
        embedding=None,  # The word's file; None: the one beside the LoRA
        token:str=None,  # Its word here; the file's if None
        superclass:str=None, # As it was learned; the file's if None
    )->str:              # The token that was loaded
        "Load a concept that comes from another program's files"
        ...
    def spell_out(self,
        prompt, # A prompt with concepts
    ):          # The same with every placeholder of a longer word written out, weights on all of them
        '`<toy>` as the tokens it is made of'
        ...
    def written(self,
        prompts,            # A prompt or a list, with weights in either notation, of any length
        negative_prompt='', # One for all, or a list
        clip_skip:int=None, # Layers left out at the end of the text encoder
    )->dict:                # prompt_embeds and negative_prompt_embeds (b, 77k, d), for `draw`
        'Encodings of prompts as people write them'
        ...
    def draw_written(self,
        prompt,             # A prompt or a list, with weights in either notation, of any length
        negative_prompt='', # Likewise
        clip_skip:int=None, # Layers left out at the end of the text encoder
        **how,              # Of `draw`: n, seed, beta, tau, lock, steps, guidance_scale, width …
    )->list:                # Pictures, prompt by prompt
        'Draw prompts with weights, or of more than 77 tokens; also `draw(…, weights=True)`'
        ...
    def confined(self,
        floor:float=.4,    # θ of Eq. 2: the part of the highest attention from which a place is home
        softness:float=.1, # ς of Eq. 2
    ):
        'Within: what was learned acts where its word is looked at (our choice, no part of the paper)'
        ...
    def concept_guidance(self,
        weight:float, # w of Eq. 1: 0 the superclass, 1 as always, above 1 more of the concept
    ):
        'Within, in this thread: led from the superclass to the concept so far (our choice)'
        ...
    def score_concept(self,
        token,      # A loaded concept
        scorer,     # See `scored`
        references, # Pictures of the thing
        prompts=VALIDATION, # With {} where the token goes
        n=1,        # Pictures of each prompt
        seed=500,   # Of the pictures
        **how,      # Of `draw`: beta, tau, lock, steps …
    ):              # See `scored`
        'Draw prompts with a concept and score them'
        ...
    def own_scorer(self):
        'The judge for the embedded model, CLIP for all others'
        ...
    def best_score(self,
        pictures,   # The pictures that are learned from
        superclass, # In the base model's words
        scorer=None, # See `score_concept`; the base's own if None
        **how,      # Of `score_concept`
    ):              # Function of (perf, token), for `learn(select=…)`
        'What `learn(select="best")` asks at every scored step'
        ...
    def denoising_score(self,
        pictures,    # The pictures that are learned from
        superclass,  # In the base model's words
        masks=None,  # As for `learn`
        n:int=32,    # Noised pictures
        seed:int=0,  # Of their noise
    ):               # Function of (perf, token), for `learn(select=…)`
        'Score a step by what the network answers, without drawing (Eq. 2, our choice)'
        ...
    def fitting_gates(self,
        token, # A loaded concept
        betas, # Midpoints to try
        taus,  # Temperatures to try
        least=.5, most=.1, # Gate at the concept's word (median), and at all other positions (our choice)
    )->list:   # Pairs (β, τ)
        "The gates that open at the concept's word and nowhere else, on held-out prompts"
        ...
    def calibrate(self,
        token,       # A loaded concept
        references,  # Pictures of the thing
        scorer=None, # See `score_concept`; the base's own if None
        betas=(.35, .5, .65, .8, .95), # Midpoints to try (the paper's range for both locks, and beyond)
        taus=(.1, .15, .2), # Temperatures to try
        **how,       # Of `score_concept`: prompts, n, seed, lock …
    )->dict:         # (β, τ) → its `score_concept`; the best is set for this concept and recorded
        "Choose a concept's β and τ: gates first, then a small sweep"
        ...
